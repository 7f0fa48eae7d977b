// A notification's text as the shop shows it. It is written for mail, with whole addresses: here they are links, and a
// paragraph that is only an address is left out, as the title leads there. Pure.

export interface Part {
  text: string;
  /** Where a link leads within this shop; "" for plain text. */
  path: string;
}

const address = /https?:\/\/[^\s/]+(\/\S*?)?(?=[.,;)]*(?:\s|$))/g;
const onlyAddress = /^[^.:]{0,20}:?\s*https?:\/\/\S+$/;

export function noticeParts(text: string): Part[] {
  const kept = text
    .split('\n\n')
    .filter((paragraph) => !onlyAddress.test(paragraph.trim()))
    .join('\n\n')
    .trim();
  const parts: Part[] = [];
  let from = 0;
  for (const match of kept.matchAll(address)) {
    if (match.index > from) parts.push({ text: kept.slice(from, match.index), path: '' });
    parts.push({ text: 'this page', path: match[1] ?? '/' });
    from = match.index + match[0].length;
  }
  if (from < kept.length) parts.push({ text: kept.slice(from), path: '' });
  return parts;
}
