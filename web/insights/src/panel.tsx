// A chart's panel: its title, the same figures as a table for those who want to read them, and as a file.
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from '@shared/icons';
import { csvOf, download, type Table } from './csv';

interface PanelProps {
  title: string;
  note?: string;
  table: Table;
  children: ComponentChildren;
}

export function Panel({ title, note, table, children }: PanelProps): JSX.Element {
  const [asTable, setAsTable] = useState(false);
  return (
    <section class="card panel" aria-label={title}>
      <header class="panel-head">
        <h2>{title}</h2>
        <div class="panel-acts">
          <button type="button" class="button plain slim" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
            Table
          </button>
          <button type="button" class="button plain slim" aria-label={`Download ${title.toLowerCase()} as CSV`} onClick={() => download(table.name, csvOf(table))}>
            <Icon name="download" size={16} /> CSV
          </button>
        </div>
      </header>
      {note !== undefined && <p class="small quiet">{note}</p>}
      {asTable ? <Rows table={table} title={title} /> : children}
    </section>
  );
}

function Rows({ table, title }: { table: Table; title: string }): JSX.Element {
  return (
    <div class="table-frame panel-table" tabIndex={0} role="group" aria-label={`${title}, table`}>
      <table>
        <thead>
          <tr>
            {table.head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, index) => (
            <tr key={index}>
              {row.map((value, column) => (
                <td key={column} class={typeof value === 'number' ? 'number' : undefined}>
                  {value}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
