// What a page shows when there is nothing to show yet, nothing at all, or something went wrong.
import type { ComponentChildren, JSX } from 'preact';
import { Icon } from '@shared/icons';
import type { Problem } from '../api/http';

export function Loading(): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading</span>
      <div class="skeleton skeleton-title" />
      <div class="skeleton skeleton-block" />
    </div>
  );
}

interface EmptyProps {
  title: string;
  text: string;
  level?: 1 | 2;
  children?: ComponentChildren;
}

export function EmptyState({ title, text, level = 1, children }: EmptyProps): JSX.Element {
  const Heading = level === 1 ? 'h1' : 'h2';
  return (
    <div class="empty">
      <svg class="empty-art" viewBox="0 0 160 60" aria-hidden="true" focusable="false">
        <path d="M10 48H150" />
        <path d="M30 44q0-12 14-13l12-11q3-3 8-3h26q6 0 10 4l11 10q17 1 19 13" />
        <circle cx="52" cy="45" r="8" />
        <circle cx="110" cy="45" r="8" />
      </svg>
      <Heading>{title}</Heading>
      <p class="quiet">{text}</p>
      {children !== undefined && <div class="row">{children}</div>}
    </div>
  );
}

/** What a service said went wrong, where the page shows it; with a way to try again when that may help. */
export function ProblemNote({ problem, again }: { problem: Problem; again?: () => void }): JSX.Element {
  return (
    <div class={`note ${problem.away ? 'warn' : 'bad'}`} role="alert">
      <Icon name="alert" />
      <div class="stack-tight">
        <p>{problem.message}</p>
        {again && (
          <button type="button" class="button plain slim" onClick={again}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}
