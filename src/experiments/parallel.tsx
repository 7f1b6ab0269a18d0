import { HTMLSelect } from '@jupyterlab/ui-components';
import type { IThemeManager } from '@jupyterlab/apputils';
import { useEffect, useMemo, useRef, useState, type PointerEvent } from 'react';

import type { IExperimentRun } from '../api/models';
import { Button, Hint } from '../ui/controls';
import { cellText } from '../ui/format';
import { trans } from '../ui/locale';
import { useWidth } from '../ui/useHasSize';
import { useColours } from './chart';
import { columnsOf, valueOf, type IColumn } from './compare';
import { CompareTable } from './compareView';
import { fit, gradient, PLAIN_COLOUR } from './drawing';
import { MAX_COLUMNS, numericColumns } from './matrixData';
import {
  axisOf,
  bestFilled,
  brushed,
  importance,
  nameOf,
  type Brush,
  type IAxis
} from './parallelData';
import { ScatterMatrix } from './scatterMatrix';

const HEIGHT = 340;
const TOP = 44;
const BOTTOM = 24;
const SIDE = 70;
/** Axes that fit beside each other; the others are hidden. */
const MAX_AXES = 12;
/** Distance from an axis in pixels in which the pointer marks a part of it. */
const REACH = 24;
/** Columns of the scatter matrix until the user chooses others. */
const DEFAULT_MATRIX = 4;
/** Parameters whose importance is shown. */
const MAX_IMPORTANCE = 10;

/**
 * Runs as lines through the columns in which they differ, beside a matrix of scatter plots.
 *
 * Parts of the axes and of the plots select runs.
 */
export function Parallel(props: {
  runs: readonly IExperimentRun[];
  themes: IThemeManager | null;
  onOpen: (run: IExperimentRun) => void;
}): JSX.Element {
  const { runs } = props;
  const [metricName, setMetricName] = useState<string | null>(null);
  const [brushes, setBrushes] = useState<ReadonlyMap<string, Brush>>(new Map());
  const columns = useMemo(
    () =>
      bestFilled(
        runs,
        columnsOf(runs).filter(one => one.differs)
      ),
    [runs]
  );
  const metrics = columns.filter(one => one.kind === 'metric');
  const params = columns.filter(one => one.kind === 'param');
  const metric =
    metrics.find(one => nameOf(one) === metricName) ?? metrics[0] ?? null;
  const important = useMemo(
    () => (metric ? importance(runs, params, metric) : []),
    // The parameters are those of the runs.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [runs, metric]
  );
  const axes = useMemo(() => {
    // What matters for the metric is beside it.
    const order = metric
      ? [...important.map(one => one.column), metric]
      : params;
    const others = columns.filter(one => !order.includes(one));
    const first = metric
      ? [...order.slice(0, MAX_AXES - 1).filter(one => one !== metric), metric]
      : order.slice(0, MAX_AXES);
    const rest = others.slice(0, MAX_AXES - first.length);
    return [...first, ...rest].flatMap(column => axisOf(runs, column) ?? []);
    // The columns are those of the runs.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [runs, metric, important]);
  const numeric = useMemo(() => numericColumns(runs, columns), [runs, columns]);
  const [matrix, setMatrix] = useState<readonly IColumn[] | null>(null);
  const matrixAxes = useMemo(() => {
    const first = [
      ...important.map(one => one.column),
      ...(metric ? [metric] : []),
      ...numeric
    ].filter(one => numeric.includes(one));
    const visible = matrix ?? [...new Set(first)].slice(0, DEFAULT_MATRIX);
    return visible
      .slice(0, MAX_COLUMNS)
      .flatMap(column => axisOf(runs, column) ?? []);
  }, [runs, numeric, important, metric, matrix]);
  const chosen = useMemo(
    () => brushed(runs, [...axes, ...matrixAxes], brushes),
    [runs, axes, matrixAxes, brushes]
  );
  if (columns.length === 0) {
    return (
      <Hint>
        {trans.__('These runs have the same parameters and metrics.')}
      </Hint>
    );
  }
  const setBrush = (
    changes: readonly (readonly [name: string, brush: Brush | null])[]
  ) => {
    const next = new Map(brushes);
    for (const [name, brush] of changes) {
      next.delete(name);
      if (brush) {
        next.set(name, brush);
      }
    }
    setBrushes(next);
  };
  const metricAxis =
    [...axes, ...matrixAxes].find(axis => axis.column === metric) ?? null;
  return (
    <>
      <div className="jp-mlws-Tools">
        {metric && (
          <label>
            {trans.__('Color and importance by')}{' '}
            <HTMLSelect
              value={nameOf(metric)}
              options={metrics.map(one => ({
                value: nameOf(one),
                label: one.name
              }))}
              onChange={event => setMetricName(event.target.value)}
            />
          </label>
        )}
        <span role="status">
          {trans.__('%1 of %2 runs', chosen.length, runs.length)}
        </span>
        {brushes.size > 0 && (
          <Button onClick={() => setBrushes(new Map())}>
            {trans.__('Show All')}
          </Button>
        )}
      </div>
      <div className="jp-mlws-Brushed">
        <div className="jp-mlws-Brushed-lines">
          <Lines
            runs={runs}
            axes={axes}
            chosen={chosen}
            brushes={brushes}
            metric={metricAxis}
            themes={props.themes}
            onBrush={(name, brush) => setBrush([[name, brush]])}
          />
          <Hint>
            {trans.__(
              'Drag along an axis to show only the runs that pass there. Click it to show all again.'
            )}
          </Hint>
        </div>
        {numeric.length > 1 && (
          <ScatterMatrix
            runs={runs}
            axes={matrixAxes}
            columns={numeric}
            chosen={chosen}
            brushes={brushes}
            metric={metricAxis}
            themes={props.themes}
            onColumns={setMatrix}
            onBrush={setBrush}
            onOpen={props.onOpen}
          />
        )}
      </div>
      {metric && important.length > 0 && (
        <table
          className="jp-mlws-Values jp-mlws-Importance"
          aria-label={trans.__('Importance for %1', metric.name)}
        >
          <thead>
            <tr>
              <th scope="col">{trans.__('Parameter')}</th>
              <th
                scope="col"
                title={trans.__(
                  'How closely %1 follows the parameter alone: rank correlation of numbers, correlation ratio of words',
                  metric.name
                )}
              >
                {trans.__('Importance for %1', metric.name)}
              </th>
            </tr>
          </thead>
          <tbody>
            {important.slice(0, MAX_IMPORTANCE).map(({ column, value }) => (
              <tr key={column.name}>
                <th scope="row">{column.name}</th>
                <td>
                  <meter min={0} max={1} value={value} /> {cellText(value)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <CompareTable runs={chosen} />
    </>
  );
}

interface ILinesProps {
  runs: readonly IExperimentRun[];
  axes: readonly IAxis[];
  chosen: readonly IExperimentRun[];
  brushes: ReadonlyMap<string, Brush>;
  metric: IAxis | null;
  themes: IThemeManager | null;
  onBrush: (name: string, brush: Brush | null) => void;
}

/** The lines on a canvas, which draws thousands at once. */
function Lines(props: ILinesProps): JSX.Element {
  const { runs, axes, chosen, brushes, metric, onBrush } = props;
  const colours = useColours(props.themes);
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(frame);
  const [drag, setDrag] = useState<{ name: string; from: number } | null>(null);
  const across = (index: number) =>
    axes.length === 1
      ? width / 2
      : SIDE + (index * (width - 2 * SIDE)) / (axes.length - 1);
  const down = (place: number) =>
    HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM);

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || width === 0) {
      return;
    }
    const ratio = window.devicePixelRatio || 1;
    canvas.current!.width = width * ratio;
    canvas.current!.height = HEIGHT * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, HEIGHT);
    const draw = (run: IExperimentRun, color: string) => {
      context.strokeStyle = color;
      context.beginPath();
      let isGap = true;
      axes.forEach((axis, index) => {
        const place = axis.place(valueOf(run, axis.column));
        if (place === null) {
          isGap = true;
        } else if (isGap) {
          context.moveTo(across(index), down(place));
          isGap = false;
        } else {
          context.lineTo(across(index), down(place));
        }
      });
      context.stroke();
    };
    const isChosen = new Set(chosen);
    context.lineWidth = 1;
    context.globalAlpha = 0.25;
    runs
      .filter(run => !isChosen.has(run))
      .forEach(run => draw(run, colours.grid));
    context.globalAlpha = Math.min(1, Math.max(0.25, 60 / chosen.length));
    context.lineWidth = chosen.length > 100 ? 1 : 1.5;
    chosen.forEach(run => {
      const place = metric?.place(valueOf(run, metric.column)) ?? null;
      draw(run, place === null ? PLAIN_COLOUR : gradient(place));
    });
    context.globalAlpha = 1;
    context.lineWidth = 1;
    context.strokeStyle = colours.text;
    context.fillStyle = colours.text;
    context.font = '11px sans-serif';
    context.textAlign = 'center';
    const room = (width - 2 * SIDE) / Math.max(1, axes.length - 1) - 6;
    axes.forEach(({ column, least, most }, index) => {
      const x = across(index);
      context.beginPath();
      context.moveTo(x, down(0));
      context.lineTo(x, down(1));
      context.stroke();
      const space = Math.max(40, room);
      context.fillText(fit(context, column.name, space), x, TOP - 26);
      context.fillText(fit(context, most, space), x, TOP - 8);
      context.fillText(fit(context, least, space), x, HEIGHT - BOTTOM + 16);
      const brush = brushes.get(nameOf(column));
      if (brush) {
        context.globalAlpha = 0.35;
        context.fillRect(
          x - 6,
          down(brush[1]),
          12,
          Math.max(2, down(brush[0]) - down(brush[1]))
        );
        context.globalAlpha = 1;
      }
    });
    // Functions of the width and the axes.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [runs, axes, chosen, brushes, metric, colours, width]);

  const placeOf = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const y = event.clientY - box.top;
    const place = (HEIGHT - BOTTOM - y) / (HEIGHT - TOP - BOTTOM);
    return {
      x: event.clientX - box.left,
      place: Math.min(1, Math.max(0, place))
    };
  };
  return (
    <div ref={frame} style={{ minHeight: HEIGHT }}>
      <canvas
        ref={canvas}
        className="jp-mlws-Parallel"
        role="img"
        aria-label={trans.__(
          'Parallel coordinates of %1 runs; the table below has the values',
          chosen.length
        )}
        style={{ width, height: HEIGHT }}
        onPointerDown={event => {
          const { x, place } = placeOf(event);
          const near = axes.findIndex(
            (_, index) => Math.abs(across(index) - x) < REACH
          );
          if (near >= 0) {
            event.currentTarget.setPointerCapture(event.pointerId);
            setDrag({ name: nameOf(axes[near].column), from: place });
          }
        }}
        onPointerMove={event => {
          if (drag) {
            const { place } = placeOf(event);
            onBrush(drag.name, [
              Math.min(drag.from, place),
              Math.max(drag.from, place)
            ]);
          }
        }}
        onPointerUp={event => {
          if (drag && Math.abs(placeOf(event).place - drag.from) < 0.01) {
            onBrush(drag.name, null);
          }
          setDrag(null);
        }}
      />
    </div>
  );
}
