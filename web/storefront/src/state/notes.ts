// Short words about what just happened, said once: shown for a while and read out by screen readers.
import { storeOf } from '@shared/store';

export interface Note {
  id: number;
  tone: 'good' | 'bad';
  text: string;
}

export const notes = storeOf<Note[]>([]);
const shownMs = 6000;
let last = 0;

export function say(text: string, tone: Note['tone'] = 'good'): void {
  const note = { id: ++last, tone, text };
  notes.set([...notes.value.slice(-2), note]);
  setTimeout(() => dismiss(note.id), shownMs);
}

export function dismiss(id: number): void {
  notes.set(notes.value.filter((note) => note.id !== id));
}
