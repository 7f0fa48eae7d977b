// Many vehicles at once, from a CSV file or JSON lines, and what became of each line.
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { formats } from '@shared/format';
import { Icon } from '@shared/icons';
import { Problem } from '../api/http';
import { importVehicles } from '../api/services';
import type { ImportReport } from '../api/types';
import { Field } from '../parts/field';
import { EmptyState, ProblemNote } from '../parts/states';
import { useTitle } from '../parts/title';
import { formOf, lineWords, reportWords } from '../state/import';
import { DealerHead } from './orders';

const sample = 'name,brand,model,year,price,description\n"Family estate, one owner",Volvo,V60,2021,28950.00,"Full service history"\n';

export function DealerImport(): JSX.Element {
  useTitle('Import vehicles');
  const [text, setText] = useState('');
  const [fileName, setFileName] = useState('');
  const [report, setReport] = useState<ImportReport | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const result = useRef<HTMLDivElement>(null);
  const send = async (): Promise<void> => {
    if (busy || text.trim() === '') return;
    setBusy(true);
    setProblem(null);
    setReport(null);
    try {
      setReport(await importVehicles(formOf(fileName, text), text));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    } finally {
      setBusy(false);
      requestAnimationFrame(() => result.current?.focus());
    }
  };
  return (
    <div class="stack">
      <DealerHead title="Import vehicles" />
      <form class="card stack" onSubmit={(event) => { event.preventDefault(); void send(); }}>
        <Field label="File" hint="CSV with a line of column names, or one JSON object a line.">
          {(ids) => (
            <input {...ids} class="input" type="file" accept=".csv,.jsonl,.ndjson,.json,.txt,text/csv,application/x-ndjson" onChange={(event) => {
                const file = event.currentTarget.files?.[0];
                if (!file) return;
                setFileName(file.name);
                void file.text().then(setText);
              }} />
          )}
        </Field>
        <Field label="Or paste it here" hint="Columns: name, brand, model, year, price, description, reference.">
          {(ids) => (
            <textarea {...ids} class="input code" spellcheck={false} placeholder={sample} value={text} onInput={(event) => {
                setFileName('');
                setText(event.currentTarget.value);
              }} />
          )}
        </Field>
        <div class="row">
          <button class="button" aria-disabled={busy || text.trim() === ''}>
            <Icon name="upload" size={18} /> {busy ? 'Importing…' : 'Import'}
          </button>
        </div>
      </form>
      <div ref={result} tabIndex={-1} class="stack">
        {problem && <ProblemNote problem={problem} />}
        {report && <Report report={report} />}
      </div>
    </div>
  );
}

function Report({ report }: { report: ImportReport }): JSX.Element {
  const bad = report.lines.filter(({ status }) => status === 'failed');
  const words = reportWords(report, formats.number);
  return (
    <section class="stack" aria-labelledby="report-title">
      <h2 id="report-title">What became of it</h2>
      {words === '' ? (
        <EmptyState level={2} title="There were no lines" text="The file holds no vehicles." />
      ) : (
        <p class={report.failed > 0 ? 'note warn' : 'note good'} role="status">
          {words}
        </p>
      )}
      {bad.length > 0 && (
        <div class="table-frame">
          <table>
            <caption class="visually-hidden">Lines that were not taken over</caption>
            <thead>
              <tr>
                <th scope="col">Line</th>
                <th scope="col">What is wrong</th>
              </tr>
            </thead>
            <tbody>
              {bad.map((line) => (
                <tr key={line.line}>
                  <td class="number">{line.line}</td>
                  <td>{lineWords(line)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
