import type { IGraphRow } from './lanes';

/** Distance of lanes, of a commit's middle, and of the straight part of its links, in pixels. */
const LANE_WIDTH = 10;
const COMMIT_Y = 17;
const STRAIGHT_Y = 36;
/** Maximum number of separate lanes; further lanes overlap at the edge. */
const MAX_LANES = 10;
/** Number of colors, which the lanes take in turn. */
const COLOR_COUNT = 6;

function x(lane: number): number {
  return 7 + Math.min(lane, MAX_LANES - 1) * LANE_WIDTH;
}

function colour(lane: number): string {
  return `jp-mlws-Lane jp-mod-${lane % COLOR_COUNT}`;
}

/** Width of the graph of some rows, in pixels. */
export function graphWidth(rows: readonly IGraphRow[]): number {
  const widest = rows.reduce((most, row) => Math.max(most, row.width), 1);
  return x(widest - 1) + 7;
}

/** A commit's point and the lines around it, as high as its row; for the eye alone. */
export function GraphCell(props: {
  row: IGraphRow;
  current: boolean;
}): JSX.Element {
  const { row, current } = props;
  const at = x(row.lane);
  return (
    <svg className="jp-mlws-Graph" aria-hidden="true">
      {row.past.map(lane => (
        <line
          key={`past ${lane}`}
          className={colour(lane)}
          x1={x(lane)}
          y1="0"
          x2={x(lane)}
          y2="100%"
        />
      ))}
      {row.above.map(({ from }) => (
        <path
          key={`above ${from}`}
          className={colour(from)}
          d={`M ${x(from)} 0 C ${x(from)} ${COMMIT_Y / 2}, ${at} ${COMMIT_Y / 2}, ${at} ${COMMIT_Y}`}
        />
      ))}
      {row.below.map(({ to }) => {
        const half = (COMMIT_Y + STRAIGHT_Y) / 2;
        return (
          <g key={`below ${to}`} className={colour(to)}>
            <path
              d={`M ${at} ${COMMIT_Y} C ${at} ${half}, ${x(to)} ${half}, ${x(to)} ${STRAIGHT_Y}`}
            />
            <line x1={x(to)} y1={STRAIGHT_Y} x2={x(to)} y2="100%" />
          </g>
        );
      })}
      <circle
        className={`${colour(row.lane)} jp-mod-point${current ? ' jp-mod-current' : ''}`}
        cx={at}
        cy={COMMIT_Y}
        r={current ? 5 : 4}
      />
    </svg>
  );
}
