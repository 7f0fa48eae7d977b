// Pages of a list as links, so that each has its address.
import type { JSX } from 'preact';
import { Icon } from '@shared/icons';
import { pagesShown } from '../state/filters';

interface PagerProps {
  page: number;
  pages: number;
  address: (page: number) => string;
}

export function Pager({ page, pages, address }: PagerProps): JSX.Element | null {
  if (pages <= 1) return null;
  return (
    <nav class="pager" aria-label="Pages">
      {page > 1 ? (
        <a class="icon-button" href={address(page - 1)} aria-label="Previous page" rel="prev">
          <Icon name="previous" />
        </a>
      ) : (
        <span class="icon-button off" />
      )}
      {pagesShown(page, pages).map((each) =>
        each === 0 ? (
          <span class="gap" aria-hidden="true">
            …
          </span>
        ) : (
          <a key={each} class="page-link number" href={address(each)} aria-label={`Page ${each}`} aria-current={each === page ? 'page' : undefined}>
            {each}
          </a>
        ),
      )}
      {page < pages ? (
        <a class="icon-button" href={address(page + 1)} aria-label="Next page" rel="next">
          <Icon name="next" />
        </a>
      ) : (
        <span class="icon-button off" />
      )}
    </nav>
  );
}
