// What is left of a reservation, second by second; screen readers are told by the minute only.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { countdown } from '@shared/format';
import { Icon } from '@shared/icons';

export function Countdown({ until, over }: { until: string; over: () => void }): JSX.Element {
  const end = Date.parse(until);
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const left = Math.max(0, end - now);
  const ended = left === 0;
  useEffect(() => {
    if (ended) over();
  }, [ended]);
  const minutes = Math.ceil(left / 60_000);
  return (
    <p class={left < 60_000 ? 'countdown soon' : 'countdown'}>
      <Icon name="clock" size={18} />
      <span>
        {ended ? 'The reservation has ended' : 'Held for you for '}
        {!ended && (
          <strong class="number" aria-hidden="true">
            {countdown(left)}
          </strong>
        )}
      </span>
      <span class="visually-hidden" role="timer" aria-live="off">
        {ended ? '' : `${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`}
      </span>
    </p>
  );
}
