// Adding a vehicle, or changing one. A change that somebody else made meanwhile is not overwritten.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { amountTyped } from '@shared/format';
import type { PageProps } from '../app';
import { Problem } from '../api/http';
import { addVehicle, changeVehicle, oneVehicle } from '../api/services';
import type { Vehicle } from '../api/types';
import { Field, focusFirstWrong, TextField } from '../parts/field';
import { Loading, ProblemNote } from '../parts/states';
import { useSubmit } from '../parts/submit';
import { useTitle } from '../parts/title';
import { VehicleArt } from '../parts/vehicle-art';
import { go } from '../state/location';
import { say } from '../state/notes';

interface Typed {
  name: string;
  brand: string;
  model: string;
  year: string;
  price: string;
  reference: string;
  description: string;
}

const nothing: Typed = { name: '', brand: '', model: '', year: '', price: '', reference: '', description: '' };

const typedOf = (vehicle: Vehicle): Typed => ({
  name: vehicle.name,
  brand: vehicle.brand,
  model: vehicle.model,
  year: String(vehicle.year),
  price: vehicle.price.toFixed(2),
  reference: vehicle.reference ?? '',
  description: vehicle.description,
});

export function DealerEdit({ id }: PageProps): JSX.Element {
  const isNew = id === 'new';
  useTitle(isNew ? 'Add a vehicle' : 'Edit a vehicle');
  const [known, setKnown] = useState<{ id: number; etag: string } | null>(null);
  const [typed, setTyped] = useState<Typed | null>(isNew ? nothing : null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const load = (): void => {
    setProblem(null);
    oneVehicle(id).then(
      ({ body, etag }) => {
        setKnown({ id: body.id, etag: etag ?? '*' });
        setTyped(typedOf(body));
      },
      (error: unknown) => setProblem(error instanceof Problem ? error : new Problem(0, 'Something went wrong on this page.')),
    );
  };
  useEffect(() => {
    if (!isNew) load();
  }, [id]);
  if (!typed) return problem ? <ProblemNote problem={problem} again={load} /> : <Loading />;
  return (
    <div class="stack medium">
      <h1>{isNew ? 'Add a vehicle' : 'Edit this vehicle'}</h1>
      <Editing key={known?.etag ?? ''} first={typed} known={known} reload={load} />
    </div>
  );
}

interface EditingProps {
  first: Typed;
  known: { id: number; etag: string } | null;
  reload: () => void;
}

function Editing({ first, known, reload }: EditingProps): JSX.Element {
  const form = useRef<HTMLFormElement>(null);
  const [typed, setTyped] = useState(first);
  const [priceWrong, setPriceWrong] = useState<string | undefined>();
  const { busy, problem, submit } = useSubmit(form);
  const set = (change: Partial<Typed>): void => setTyped((before) => ({ ...before, ...change }));
  const save = async (): Promise<void> => {
    const price = amountTyped(typed.price);
    setPriceWrong(price === null ? 'An amount in euros, like 12500 or 12500.50.' : undefined);
    if (price === null) return focusFirstWrong(form.current);
    await submit(async () => {
      const { year, reference, ...words } = typed;
      const wish = { ...words, year: Number(year), price: Number(price), ...(reference !== '' && { reference }) };
      const saved = known ? await changeVehicle(known.id, wish, known.etag) : await addVehicle(wish);
      say(`${saved.name} is saved.`);
      go('/dealer');
    });
  };
  const preview: Vehicle = { ...typed, id: 0, year: 0, price: 0, created_at: '', updated_at: '' };
  return (
    <form class="card stack" ref={form} noValidate onSubmit={(event) => { event.preventDefault(); void save(); }}>
      <div class="stage wide-stage">
        <VehicleArt vehicle={preview} />
      </div>
      {problem?.status === 412 && <ProblemNote problem={new Problem(412, 'Somebody changed this vehicle meanwhile. Load it again to see the change.')} again={reload} />}
      {problem && problem.status !== 412 && problem.fields.length === 0 && <ProblemNote problem={problem} />}
      <TextField label="Name" hint="What the card says, like “Family estate, one owner”." required maxLength={200} value={typed.name} onValue={(name) => set({ name })} wrong={problem?.at('name')} />
      <div class="pair">
        <TextField label="Brand" required maxLength={100} value={typed.brand} onValue={(brand) => set({ brand })} wrong={problem?.at('brand')} />
        <TextField label="Model" required maxLength={100} value={typed.model} onValue={(model) => set({ model })} wrong={problem?.at('model')} />
      </div>
      <div class="pair">
        <TextField label="Year" inputMode="numeric" required maxLength={4} value={typed.year} onValue={(year) => set({ year: year.replace(/\D/g, '') })} wrong={problem?.at('year')} />
        <TextField label="Price in euros" inputMode="decimal" required maxLength={15} value={typed.price} onValue={(price) => set({ price })} wrong={priceWrong ?? problem?.at('price')} />
      </div>
      <TextField label="Your own number (optional)" maxLength={64} value={typed.reference} onValue={(reference) => set({ reference })} wrong={problem?.at('reference')} />
      <Field label="Description" wrong={problem?.at('description')}>
        {(ids) => <textarea class="input" {...ids} maxLength={5000} value={typed.description} onInput={(event) => set({ description: event.currentTarget.value })} />}
      </Field>
      <div class="row">
        <button class="button" aria-disabled={busy}>
          {busy ? 'Saving…' : 'Save'}
        </button>
        <a class="button plain" href="/dealer">
          Back
        </a>
      </div>
    </form>
  );
}
