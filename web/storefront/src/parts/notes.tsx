// The short words about what just happened.
import type { JSX } from 'preact';
import { Icon } from '@shared/icons';
import { useStore } from '@shared/store';
import { dismiss, notes } from '../state/notes';

export function Notes(): JSX.Element {
  const shown = useStore(notes);
  return (
    <div class="notes" role="status" aria-live="polite">
      {shown.map((note) => (
        <div key={note.id} class={`note raised ${note.tone}`}>
          <Icon name={note.tone === 'good' ? 'check' : 'alert'} />
          <p>{note.text}</p>
          <button type="button" class="dismiss" aria-label="Dismiss" onClick={() => dismiss(note.id)}>
            <Icon name="close" size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}
