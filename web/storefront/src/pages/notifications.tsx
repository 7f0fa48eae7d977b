// What the shop told this account.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { formats } from '@shared/format';
import type { PageProps } from '../app';
import { markAllRead, myNotices, noticeEvents } from '../api/services';
import type { Notice } from '../api/types';
import { Pager } from '../parts/pager';
import { EmptyState, Loading, ProblemNote } from '../parts/states';
import { useTitle } from '../parts/title';
import { listen } from '../state/listen';
import { useLoad } from '../state/load';
import { noticeParts } from '../state/notice-text';
import { unread } from '../state/notices';

export function Notifications({ search }: PageProps): JSX.Element {
  useTitle('Notifications');
  const page = Math.max(1, Number(new URLSearchParams(search).get('page')) || 1);
  const { data, problem, again } = useLoad(`notices ${page}`, (signal) => myNotices(page, signal));
  useEffect(() => listen(noticeEvents, 'notification', { heard: again, live: () => undefined }), [again]);
  const fresh = data?.unread ?? 0;
  useEffect(() => {
    if (fresh === 0) return;
    markAllRead().then(
      () => unread.set(0),
      () => undefined,
    );
  }, [fresh]);
  return (
    <div class="stack medium">
      <h1>Notifications</h1>
      {problem && <ProblemNote problem={problem} again={again} />}
      {!data && !problem && <Loading />}
      {data?.items.length === 0 && <EmptyState level={2} title="Nothing yet" text="News about your orders appear here, and reach you by mail." />}
      {data && data.items.length > 0 && (
        <ul class="notice-list">
          {data.items.map((notice) => (
            <NoticeRow key={notice.id} notice={notice} />
          ))}
        </ul>
      )}
      {data && <Pager page={data.page} pages={data.pages} address={(each) => `/notifications?page=${each}`} />}
    </div>
  );
}

function NoticeRow({ notice }: { notice: Notice }): JSX.Element {
  const order = /^order\/([0-9a-f-]{36})$/.exec(notice.subject ?? '')?.[1];
  return (
    <li class={notice.read ? 'notice' : 'notice fresh'}>
      <div class="row apart">
        <h2>{order === undefined ? notice.title : <a href={`/orders/${order}`}>{notice.title}</a>}</h2>
        <time class="small quiet" dateTime={notice.time} title={formats.dateTime(notice.time)}>
          {formats.ago(notice.time, Date.now())}
        </time>
      </div>
      <p class="prose">
        {noticeParts(notice.text).map((part, index) =>
          part.path === '' ? (
            part.text
          ) : (
            <a key={index} href={part.path}>
              {part.text}
            </a>
          ),
        )}
      </p>
      {!notice.read && <span class="visually-hidden">New</span>}
    </li>
  );
}
