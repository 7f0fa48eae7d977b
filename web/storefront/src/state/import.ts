// What kind of file an import is, and what its report says of a line. Pure.

import type { ImportLine, ImportReport } from '../api/types';

/** The media type of what is imported: by the file's name, else by how its text begins. */
export function formOf(fileName: string, text: string): string {
  if (/\.(jsonl|ndjson)$/i.test(fileName)) return 'application/x-ndjson';
  if (/\.csv$/i.test(fileName)) return 'text/csv';
  return text.trimStart().startsWith('{') ? 'application/x-ndjson' : 'text/csv';
}

/** What is wrong with a line; "" when it was taken over. */
export function lineWords(line: ImportLine): string {
  return (line.problems ?? []).map(({ field, message }) => (field === '' ? message : `${field} ${message}`)).join('; ');
}

/** A report in one line: what did not happen is left out. */
export function reportWords({ added, changed, kept, failed }: ImportReport, number: (value: number) => string): string {
  const counts: [number, string][] = [
    [added, 'added'],
    [changed, 'changed'],
    [kept, 'as before'],
    [failed, failed === 1 ? 'line not taken over' : 'lines not taken over'],
  ];
  return counts
    .filter(([count]) => count > 0)
    .map(([count, words]) => `${number(count)} ${words}`)
    .join(', ');
}
