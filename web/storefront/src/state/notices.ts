// How many notifications are new: asked again while the page is looked at, and after what causes one.
import { storeOf } from '@shared/store';
import { myNotices } from '../api/services';

export const unread = storeOf(0);
const everyMs = 15_000;
const soonMs = 2500;

export async function countNotices(): Promise<void> {
  try {
    unread.set((await myNotices(1)).unread);
  } catch {
    // The bell keeps what it knew; the notifications' own page says what is wrong.
  }
}

/** After something that causes a notification: at once, and again when it has had time to arrive. */
export function countNoticesSoon(): () => void {
  void countNotices();
  const timer = setTimeout(() => void countNotices(), soonMs);
  return () => clearTimeout(timer);
}

export function watchNotices(): () => void {
  void countNotices();
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') void countNotices();
  }, everyMs);
  return () => clearInterval(timer);
}
