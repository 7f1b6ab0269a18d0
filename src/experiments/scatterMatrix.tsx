import type { IThemeManager } from '@jupyterlab/apputils';
import { useEffect, useMemo, useRef, useState, type PointerEvent } from 'react';

import type { IExperimentRun } from '../api/models';
import { Check, Hint } from '../ui/controls';
import { titleOf } from '../ui/format';
import { trans } from '../ui/locale';
import { useWidth } from '../ui/useHasSize';
import { useColours } from './chart';
import { valueOf, type IColumn } from './compare';
import { fit, gradient, PLAIN_COLOUR } from './drawing';
import {
  brushesOf,
  cellsOf,
  MAX_COLUMNS,
  nearest,
  pointOf,
  rectangleOf,
  type ICell
} from './matrixData';
import { nameOf, type Brush, type IAxis } from './parallelData';

/** Largest width of a cell in pixels. */
const MAX_CELL = 170;
/** Distance from a point in pixels at which the pointer names its run. */
const REACH = 7;
/** Distance in pixels from which on a press of the pointer is a drag. */
const MIN_DRAG = 4;

interface IProps {
  runs: readonly IExperimentRun[];
  axes: readonly IAxis[];
  /** The numeric columns to choose from. */
  columns: readonly IColumn[];
  chosen: readonly IExperimentRun[];
  brushes: ReadonlyMap<string, Brush>;
  metric: IAxis | null;
  themes: IThemeManager | null;
  onColumns: (columns: readonly IColumn[]) => void;
  /** A brush that is null is removed. */
  onBrush: (brushes: readonly [name: string, brush: Brush | null][]) => void;
  onOpen: (run: IExperimentRun) => void;
}

/** Scatter plots of each pair of some numeric columns, which share their brushes. */
export function ScatterMatrix(props: IProps): JSX.Element {
  const { axes, columns, onColumns } = props;
  const visible = axes.map(axis => axis.column);
  return (
    <section className="jp-mlws-Matrix" aria-label={trans.__('Scatter matrix')}>
      <details className="jp-mlws-Matrix-columns">
        <summary>{trans.__('Columns of the scatter matrix')}</summary>
        {columns.map(one => {
          const isVisible = visible.includes(one);
          return (
            <Check
              key={nameOf(one)}
              className="jp-mlws-Check"
              checked={isVisible}
              disabled={!isVisible && visible.length >= MAX_COLUMNS}
              onChange={() =>
                onColumns(
                  isVisible
                    ? visible.filter(each => each !== one)
                    : [...visible, one]
                )
              }
            >
              {one.name}
            </Check>
          );
        })}
      </details>
      {axes.length < 2 ? (
        <Hint>{trans.__('Choose two columns or more.')}</Hint>
      ) : (
        <Points {...props} />
      )}
    </section>
  );
}

interface IDrag {
  cell: ICell;
  from: readonly [number, number];
  isMoved: boolean;
}

/** The points on a canvas, which draws thousands at once. */
function Points(props: IProps): JSX.Element {
  const { runs, axes, chosen, brushes, metric, onBrush, onOpen } = props;
  const colours = useColours(props.themes);
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(frame);
  const size = Math.min(MAX_CELL, Math.floor(width / axes.length));
  const whole = size * axes.length;
  const cells = useMemo(() => cellsOf(axes, size), [axes, size]);
  const [drag, setDrag] = useState<IDrag | null>(null);
  const [hovered, setHovered] = useState<IExperimentRun | null>(null);

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || whole === 0) {
      return;
    }
    const ratio = window.devicePixelRatio || 1;
    canvas.current!.width = whole * ratio;
    canvas.current!.height = whole * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, whole, whole);
    const isChosen = new Set(chosen);
    const others = runs.filter(run => !isChosen.has(run));
    const dot = chosen.length > 500 ? 1.5 : 3;
    const draw = (run: IExperimentRun, cell: ICell, color: string) => {
      const point = pointOf(run, cell, size);
      if (point) {
        context.fillStyle = color;
        context.beginPath();
        context.arc(point[0], point[1], dot, 0, 2 * Math.PI);
        context.fill();
      }
    };
    const colors = chosen.map(run => {
      const place = metric?.place(valueOf(run, metric.column)) ?? null;
      return place === null ? PLAIN_COLOUR : gradient(place);
    });
    for (const cell of cells) {
      context.strokeStyle = colours.grid;
      context.strokeRect(cell.left + 1, cell.top + 1, size - 2, size - 2);
      context.globalAlpha = 0.4;
      others.forEach(run => draw(run, cell, colours.grid));
      context.globalAlpha = chosen.length > 200 ? 0.5 : 0.9;
      chosen.forEach((run, index) => draw(run, cell, colors[index]));
      context.globalAlpha = 1;
      const marked = rectangleOf(cell, size, brushes);
      if (marked) {
        context.strokeStyle = colours.text;
        context.strokeRect(...marked);
      }
      const point = hovered && pointOf(hovered, cell, size);
      if (point) {
        context.strokeStyle = colours.text;
        context.beginPath();
        context.arc(point[0], point[1], dot + 3, 0, 2 * Math.PI);
        context.stroke();
      }
    }
    context.fillStyle = colours.text;
    context.textAlign = 'center';
    axes.forEach(({ column, least, most }, index) => {
      const middle = (index + 0.5) * size;
      context.font = 'bold 11px sans-serif';
      context.fillText(fit(context, column.name, size - 10), middle, middle);
      context.font = '10px sans-serif';
      const range = `${least} – ${most}`;
      context.fillText(fit(context, range, size - 10), middle, middle + 14);
    });
  }, [
    runs,
    axes,
    cells,
    chosen,
    brushes,
    metric,
    colours,
    size,
    whole,
    hovered
  ]);

  const at = (event: PointerEvent): readonly [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const cellAt = ([x, y]: readonly [number, number]) =>
    cells.find(
      ({ left, top }) =>
        x >= left && x < left + size && y >= top && y < top + size
    ) ?? null;
  return (
    <div ref={frame}>
      <canvas
        ref={canvas}
        className="jp-mlws-Matrix-points"
        role="img"
        aria-label={trans.__(
          'Scatter matrix of %1 runs; the table below has the values',
          chosen.length
        )}
        title={hovered ? titleOf(hovered) : ''}
        style={{ width: whole, height: whole }}
        onPointerDown={event => {
          const from = at(event);
          const cell = cellAt(from);
          if (cell) {
            event.currentTarget.setPointerCapture(event.pointerId);
            setDrag({ cell, from, isMoved: false });
          }
        }}
        onPointerMove={event => {
          const to = at(event);
          if (!drag) {
            const cell = cellAt(to);
            setHovered(cell && nearest(chosen, cell, size, to, REACH));
            return;
          }
          const [x, y] = drag.from;
          if (drag.isMoved || Math.hypot(to[0] - x, to[1] - y) > MIN_DRAG) {
            setDrag({ ...drag, isMoved: true });
            onBrush(brushesOf(drag.cell, size, drag.from, to));
          }
        }}
        onPointerUp={() => {
          if (drag && !drag.isMoved) {
            const { cell, from } = drag;
            const run = nearest(chosen, cell, size, from, REACH);
            if (run) {
              onOpen(run);
            } else {
              onBrush([
                [nameOf(cell.x.column), null],
                [nameOf(cell.y.column), null]
              ]);
            }
          }
          setDrag(null);
        }}
        onPointerLeave={() => setHovered(null)}
      />
      <Hint role="status">
        {hovered
          ? titleOf(hovered)
          : trans.__(
              'Drag a rectangle to select runs; click a point to open it.'
            )}
      </Hint>
    </div>
  );
}
