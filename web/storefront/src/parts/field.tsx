// A labelled control with its hint and, at the control itself, what is wrong with it.
import type { ComponentChildren, InputHTMLAttributes, JSX } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  label: string;
  hint?: string | undefined;
  wrong?: string | undefined;
  children: (ids: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': 'true' | undefined }) => ComponentChildren;
}

export function Field({ label, hint, wrong, children }: FieldProps): JSX.Element {
  const id = useId();
  const described = [hint !== undefined && `${id}-hint`, wrong !== undefined && `${id}-wrong`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': described === '' ? undefined : described, 'aria-invalid': wrong !== undefined ? 'true' : undefined })}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {wrong !== undefined && (
        <p class="wrong" id={`${id}-wrong`}>
          {wrong}
        </p>
      )}
    </div>
  );
}

type InputAttributes = Omit<InputHTMLAttributes, 'label' | 'value' | 'onInput'>;

interface TextFieldProps extends InputAttributes {
  label: string;
  hint?: string;
  wrong?: string | undefined;
  value: string;
  onValue: (value: string) => void;
}

export function TextField({ label, hint, wrong, value, onValue, ...rest }: TextFieldProps): JSX.Element {
  return (
    <Field label={label} hint={hint} wrong={wrong}>
      {(ids) => <input class="input" {...rest} {...ids} value={value} onInput={(event) => onValue(event.currentTarget.value)} />}
    </Field>
  );
}

/** Puts the focus on the first control of the form that is wrong, once its words are there. */
export function focusFirstWrong(form: HTMLElement | null): void {
  requestAnimationFrame(() => form?.querySelector<HTMLElement>('[aria-invalid="true"], [role="alert"]')?.focus());
}
