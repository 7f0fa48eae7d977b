// The charts, drawn as SVG at the size that they have. Each can be read with the pointer, and with the arrow keys once
// it has the focus; what is read stands in words above it.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { bandAt, labelStep, ticks } from './scale';

export interface Column {
  label: string;
  value: number;
  /** The column in words. */
  words: string;
}

interface ColumnsProps {
  name: string;
  columns: Column[];
  /** What is said while no column is read. */
  summary: string;
  axis: (value: number) => string;
  whole: 'whole' | 'any';
}

const height = 220;
const foot = 24;
const head = 8;
const labelWidth = 62;

function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!frame.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  return [frame, width];
}

export function Columns({ name, columns, summary, axis, whole }: ColumnsProps): JSX.Element {
  const [frame, width] = useWidth();
  const [read, setRead] = useState<number | null>(null);
  const steps = ticks(Math.max(0, ...columns.map(({ value }) => value)), 4, whole);
  const most = steps.at(-1) ?? 1;
  const left = 12 + Math.max(...steps.map((step) => axis(step).length)) * 7;
  const inner = Math.max(0, width - left);
  const band = inner / Math.max(1, columns.length);
  const y = (value: number): number => head + (height - head - foot) * (1 - value / most);
  const every = labelStep(columns.length, inner, labelWidth);
  const now = read === null ? null : columns[read];
  const move = (by: number): void => setRead(Math.min(columns.length - 1, Math.max(0, (read ?? (by > 0 ? -1 : columns.length)) + by)));
  return (
    <div class="chart">
      <p class="readout number">{now ? now.words : summary}</p>
      <div class="frame columns-frame" ref={frame}>
        {width > 0 && columns.length > 0 && (
          <svg
            width={width}
            height={height}
            role="slider"
            tabIndex={0}
            aria-label={name}
            aria-orientation="horizontal"
            aria-valuemin={0}
            aria-valuemax={columns.length - 1}
            aria-valuenow={read ?? 0}
            aria-valuetext={now ? now.words : summary}
            onPointerMove={(event) => setRead(bandAt(event.offsetX - left, inner, columns.length))}
            onPointerLeave={() => setRead(null)}
            onBlur={() => setRead(null)}
            onKeyDown={(event) => {
              const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -columns.length, End: columns.length }[event.key];
              if (by === undefined) return;
              event.preventDefault();
              move(by);
            }}
          >
            {steps.map((step) => (
              <g key={step}>
                <line class="rule" x1={left} x2={width} y1={y(step)} y2={y(step)} />
                <text class="tick" x={left - 8} y={y(step) + 4} text-anchor="end">
                  {axis(step)}
                </text>
              </g>
            ))}
            {columns.map((column, index) => (
              <g key={index}>
                {index === read && <rect class="band" x={left + index * band} y={head} width={band} height={height - head - foot} />}
                <rect class="column" x={left + index * band + band * 0.14} y={y(column.value)} width={Math.max(1, band * 0.72)} height={Math.max(0, y(0) - y(column.value))} rx={Math.min(3, band * 0.2)} />
                {index % every === 0 && index * band + labelWidth * 0.6 < inner && (
                  <text class="tick" x={left + (index + 0.5) * band} y={height - 6} text-anchor="middle">
                    {column.label}
                  </text>
                )}
              </g>
            ))}
          </svg>
        )}
      </div>
    </div>
  );
}

export interface StackRow {
  label: string;
  parts: number[];
}

interface StacksProps {
  parts: string[];
  rows: StackRow[];
  number: (value: number) => string;
  chosen: string;
  choose: (label: string) => void;
}

/** Bars of parts, a row each; a row is a button that narrows the page to it. */
export function Stacks({ parts, rows, number, chosen, choose }: StacksProps): JSX.Element {
  const most = Math.max(1, ...rows.map((row) => row.parts.reduce((sum, part) => sum + part, 0)));
  return (
    <div class="chart">
      <ul class="legend small">
        {parts.map((part, index) => (
          <li key={part}>
            <svg width="10" height="10" aria-hidden="true" focusable="false">
              <rect class={`part-${index + 1}`} width="10" height="10" rx="3" />
            </svg>
            {part}
          </li>
        ))}
      </ul>
      <ul class="stacks">
        {rows.map((row) => {
          const total = row.parts.reduce((sum, part) => sum + part, 0);
          const words = parts.map((part, index) => `${number(row.parts[index] ?? 0)} ${part.toLowerCase()}`).join(', ');
          let from = 0;
          return (
            <li key={row.label}>
              <button type="button" class="stack-row" aria-pressed={row.label === chosen} title={words} onClick={() => choose(row.label === chosen ? '' : row.label)}>
                <span class="stack-label">{row.label}</span>
                <svg class="stack-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                  {row.parts.map((part, index) => {
                    const x = (from / most) * 100;
                    from += part;
                    return <rect key={index} class={`part-${index + 1}`} x={x} width={(part / most) * 100} height="10" />;
                  })}
                </svg>
                <span class="number small">{number(total)}</span>
                <span class="visually-hidden">: {words}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

export interface FunnelRow {
  label: string;
  value: number;
  share: string;
}

/** How many are left after each step. */
export function Funnel({ rows, number }: { rows: FunnelRow[]; number: (value: number) => string }): JSX.Element {
  const most = Math.max(1, ...rows.map(({ value }) => value));
  return (
    <ol class="funnel">
      {rows.map((row) => (
        <li key={row.label}>
          <div class="funnel-words">
            <span>{row.label}</span>
            <span class="number">
              <strong>{number(row.value)}</strong> <span class="quiet small">{row.share}</span>
            </span>
          </div>
          <svg class="funnel-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">
            <rect class="rest" width="100" height="10" />
            <rect class="part-1" width={(row.value / most) * 100} height="10" />
          </svg>
        </li>
      ))}
    </ol>
  );
}
