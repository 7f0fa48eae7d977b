// A vehicle's picture: its silhouette in the paint of its brand. It decorates; its words stand beside it.
import type { JSX } from 'preact';
import type { Vehicle } from '../api/types';
import { bodyOf, bodyPath, glassPath, paintOf, pillarLines, profiles, wheelsOf } from './silhouette';

export function VehicleArt({ vehicle }: { vehicle: Vehicle }): JSX.Element {
  const body = bodyOf(vehicle);
  const paint = paintOf(vehicle.brand);
  const { front, rear, nose, tail } = profiles[body];
  const outline = bodyPath(body);
  const shape = `shape-${vehicle.id}`;
  const wheels = wheelsOf(body);
  return (
    <svg class="art" viewBox="0 10 320 120" aria-hidden="true" focusable="false">
      <defs>
        <clipPath id={shape}>
          <path d={outline} />
        </clipPath>
      </defs>
      <ellipse class="ground" cx="160" cy="123" rx={(front - rear) / 2 + 4} ry="5" />
      <path d={outline} fill={paint} />
      <g clip-path={`url(#${shape})`}>
        <rect x="0" y="92" width="320" height="20" fill="#000" opacity="0.14" />
        <path d={`M0 74Q160 64 320 80V70Q160 54 0 64Z`} fill="#fff" opacity="0.13" />
        <rect x={rear - 2} y={tail + 9} width="13" height="7" rx="3" fill="#d9584c" opacity="0.85" />
        <rect x={front - 20} y={nose + 6} width="22" height="7" rx="3.5" fill="#fff6df" opacity="0.9" />
      </g>
      <path class="glass" d={glassPath(body)} />
      {pillarLines(body).map(({ from, to }) => (
        <line x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} stroke={paint} stroke-width="5" />
      ))}
      {body === 'roadster' && <path d="M118 71q2-13 12-13 8 0 9 13Z" class="tyre" />}
      {body === 'pickup' && <path d="M20 66H124" stroke="#000" stroke-opacity="0.22" stroke-width="3" />}
      <path d={`M${rear + 66} 80H${front - 84}`} stroke="#000" stroke-opacity="0.12" stroke-width="1.5" />
      {wheels.map(({ x, y, radius }) => (
        <g>
          <circle cx={x} cy={y - 1} r={radius + 4} fill="#000" opacity="0.28" clip-path={`url(#${shape})`} />
          <circle class="tyre" cx={x} cy={y} r={radius} />
          <circle class="rim" cx={x} cy={y} r={radius * 0.6} />
          <circle class="tyre" cx={x} cy={y} r={radius * 0.17} />
          {[0, 1, 2, 3, 4].map((spoke) => {
            const turn = (spoke * 2 * Math.PI) / 5 - Math.PI / 2;
            const far = radius * 0.56;
            return (
              <line class="spoke" x1={x} y1={y} x2={x + Math.cos(turn) * far} y2={y + Math.sin(turn) * far} />
            );
          })}
        </g>
      ))}
    </svg>
  );
}
