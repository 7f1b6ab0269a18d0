import 'uplot/dist/uPlot.min.css';

import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';

import type { MLWSClient } from '../api/client';
import type { ICurves, IExperimentRun } from '../api/models';
import { notifyOnError } from '../lab/notify';
import { Button, Hint } from '../ui/controls';
import { download } from '../ui/download';
import { Failure } from '../ui/errorBox';
import { cellText } from '../ui/format';
import { language, trans } from '../ui/locale';
import { useGet } from '../ui/server';
import { useWidth } from '../ui/useHasSize';
import { runLabels, type IChartColours } from './charts';
import {
  aligned,
  colorOf,
  csvOf,
  horizontal,
  limits,
  smoothed,
  svgOf,
  type ICurveOptions,
  type ILine
} from './curveData';

const HEIGHT = 220;
/** Values of a curve that are drawn; the server keeps the extremes of more. */
const MAX_POINTS = 1000;
/** Values of a curve in a file. */
const ALL_POINTS = 10_000_000;
/** Part of the color of the values behind a smoothed curve. */
const FAINT = '40';

interface IZoom {
  min: number;
  max: number;
}

/** One metric of some runs as a chart, with its zoom, which stays when values are added. */
export function CurveChart(props: {
  client: MLWSClient;
  runs: readonly IExperimentRun[];
  metric: string;
  options: ICurveOptions;
  colours: IChartColours;
}): JSX.Element {
  const { client, runs, metric, options, colours } = props;
  const frame = useRef<HTMLElement>(null);
  const isNear = useIsNear(frame);
  const [zoom, setZoom] = useState<IZoom | null>(null);
  const ids = runs.flatMap(({ id }) => (id === null ? [] : [id]));
  // A part is read again with more of its values.
  const part =
    zoom && options.axis === 'step'
      ? { first: Math.floor(zoom.min), last: Math.ceil(zoom.max) }
      : {};
  const { data, error, refetch } = useGet(
    client,
    '/runs/curves',
    { metric, ids, points: MAX_POINTS, ...part },
    { enabled: isNear && ids.length > 0, keepPrevious: true }
  );
  // The chart is drawn again only for other lines.
  const lines = useMemo(() => (data ? linesOf(runs, data) : []), [runs, data]);
  const gaps = lines.reduce((sum, { curve }) => sum + curve.not_finite, 0);
  const save = (kind: 'png' | 'svg' | 'csv') =>
    void notifyOnError(async () => {
      const name = `${metric}.${kind}`;
      if (kind === 'png') {
        const canvas = frame.current!.querySelector('canvas')!;
        canvas.toBlob(blob => blob && download(blob, name));
      } else if (kind === 'svg') {
        const text = svgOf(metric, lines, options, colours);
        download(new Blob([text], { type: 'image/svg+xml' }), name);
      } else {
        const all = await client.get('/runs/curves', {
          metric,
          ids,
          points: ALL_POINTS
        });
        const text = csvOf(metric, linesOf(runs, all));
        download(new Blob([text], { type: 'text/csv' }), name);
      }
    });
  return (
    <figure
      ref={frame}
      className="jp-mlws-Curve"
      aria-label={trans.__('%1 by step', metric)}
      data-mlws-metric={metric}
    >
      <figcaption>
        <span className="jp-mlws-Curve-name" title={metric}>
          {metric}
        </span>
        {zoom && (
          <Button minimal onClick={() => setZoom(null)}>
            {trans.__('Reset Zoom')}
          </Button>
        )}
        {lines.length > 0 &&
          (['png', 'svg', 'csv'] as const).map(kind => (
            <Button
              key={kind}
              minimal
              title={
                kind === 'csv'
                  ? trans.__('Save all values as CSV')
                  : trans.__('Save the chart as %1', kind.toUpperCase())
              }
              onClick={() => save(kind)}
            >
              {kind.toUpperCase()}
            </Button>
          ))}
      </figcaption>
      {error && <Failure error={error} onRetry={refetch} />}
      {data && lines.length === 0 && (
        <Hint>{trans.__('No values at these steps.')}</Hint>
      )}
      {lines.length > 0 ? (
        <Plot
          lines={lines}
          options={options}
          colours={colours}
          zoom={zoom}
          onZoom={setZoom}
        />
      ) : (
        <div style={{ height: HEIGHT }} />
      )}
      {gaps > 0 && (
        <Hint>
          {trans._n(
            '%1 value is not a finite number and is a gap.',
            '%1 values are not finite numbers and are gaps.',
            gaps
          )}
        </Hint>
      )}
    </figure>
  );
}

/** The curves that have values, with the labels of their runs. */
function linesOf(runs: readonly IExperimentRun[], { items }: ICurves): ILine[] {
  const labels = new Map(
    [...runLabels(runs)].map(([run, label]) => [run.id, label])
  );
  return items
    .map((curve, at) => ({
      label: labels.get(curve.run) ?? curve.run,
      color: colorOf(at),
      curve
    }))
    .filter(({ curve }) => curve.steps.length > 0);
}

/** Returns true once an element has come near the part of the page that is seen. */
function useIsNear(element: React.RefObject<Element>): boolean {
  const [isNear, setIsNear] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(
      entries => {
        if (entries.some(entry => entry.isIntersecting)) {
          observer.disconnect();
          setIsNear(true);
        }
      },
      { rootMargin: '300px' }
    );
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, [element]);
  return isNear;
}

interface IPlotProps {
  lines: readonly ILine[];
  options: ICurveOptions;
  colours: IChartColours;
  zoom: IZoom | null;
  onZoom: (zoom: IZoom | null) => void;
}

/** The chart itself: uPlot draws on a canvas, and is created again only for other series. */
function Plot(props: IPlotProps): JSX.Element {
  const { lines, options, colours, zoom } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const width = useWidth(host);
  const newest = useRef(props);
  newest.current = props;
  const { smoothing, axis, isLogarithmic } = options;
  const look = JSON.stringify([
    lines.map(({ label, color }) => [label, color]),
    smoothing > 0,
    axis,
    isLogarithmic,
    colours
  ]);
  const isReady = width > 0;

  useEffect(() => {
    if (!isReady) {
      return;
    }
    const chart = new uPlot(
      optionsOf(newest, host.current!.clientWidth),
      dataOf(newest.current),
      host.current!
    );
    plot.current = chart;
    return () => {
      plot.current = null;
      chart.destroy();
    };
  }, [look, isReady]);

  useEffect(() => {
    plot.current?.setSize({ width, height: HEIGHT });
  }, [width]);

  useEffect(() => {
    // Scales follow the range functions, which know the zoom.
    plot.current?.setData(dataOf(newest.current));
  }, [lines, smoothing, zoom, options.showsOutliers]);

  return (
    <div
      ref={host}
      className="jp-mlws-Curve-plot"
      style={{ minHeight: HEIGHT }}
    />
  );
}

/** The columns of a chart: each line, and behind a smoothed line its values. */
function dataOf({ lines, options }: IPlotProps): uPlot.AlignedData {
  const { axis, smoothing } = options;
  return aligned(
    lines.flatMap(({ curve }) => {
      const x = horizontal(curve, axis);
      const line = { x, y: curve.values };
      return smoothing > 0
        ? [line, { x, y: smoothed(curve.values, smoothing) }]
        : [line];
    })
  ) as uPlot.AlignedData;
}

/** A value beside the vertical axis, in few characters. */
function tickText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5)
    ? value.toExponential(Number.isInteger(Math.log10(size)) ? 0 : 1)
    : cellText(value);
}

function optionsOf(
  newest: { current: IPlotProps },
  width: number
): uPlot.Options {
  const { lines, options, colours } = newest.current;
  const { axis, smoothing, isLogarithmic } = options;
  const stroke = colours.text;
  const grid = { stroke: colours.grid, width: 1 };
  const ticks = grid;
  const font = '11px sans-serif';
  const series = lines.flatMap(({ label, color, curve }): uPlot.Series[] => {
    const points = { show: curve.steps.length === 1 };
    const value = (_: uPlot, raw: number | null) => cellText(raw);
    const whole: uPlot.Series = { label, stroke: color, width: 1.5, points };
    return smoothing > 0
      ? [
          { ...whole, stroke: color + FAINT, width: 1, value },
          { ...whole, value }
        ]
      : [{ ...whole, value }];
  });
  return {
    width,
    height: HEIGHT,
    tzDate: undefined,
    scales: {
      x: {
        time: axis === 'time',
        range: (_, least, most) => {
          const { zoom } = newest.current;
          return zoom
            ? [zoom.min, zoom.max]
            : least === most
              ? [least - 1, most + 1]
              : [least, most];
        }
      },
      y: {
        distr: isLogarithmic ? 3 : 1,
        range: () => {
          const { lines: now, options: chosen } = newest.current;
          const values = now.map(({ curve }) => curve.values);
          return limits(values, chosen) ?? [0.1, 1];
        }
      }
    },
    axes: [
      {
        stroke,
        grid,
        ticks,
        font,
        values:
          axis === 'step'
            ? (_, splits) => splits.map(split => split.toLocaleString(language))
            : axis === 'relative'
              ? (_, splits) => splits.map(split => `${cellText(split)} s`)
              : undefined
      },
      {
        stroke,
        grid,
        ticks,
        font,
        size: 58,
        values: (_, splits) =>
          splits.map(split => (split === null ? '' : tickText(split)))
      }
    ],
    series: [
      {
        label:
          axis === 'step'
            ? trans.__('Step')
            : axis === 'time'
              ? trans.__('Time')
              : trans.__('Seconds'),
        value: (_, raw) =>
          raw === null
            ? '–'
            : axis === 'time'
              ? new Date(raw * 1000).toLocaleString(language)
              : cellText(raw)
      },
      ...series
    ],
    cursor: { drag: { x: true, y: false } },
    legend: { live: true },
    hooks: {
      setSelect: [
        chart => {
          if (chart.select.width > 2) {
            const { left, width: size } = chart.select;
            newest.current.onZoom({
              min: chart.posToVal(left, 'x'),
              max: chart.posToVal(left + size, 'x')
            });
          }
          chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        }
      ],
      ready: [
        chart => {
          chart.over.addEventListener('dblclick', () =>
            newest.current.onZoom(null)
          );
          if (smoothing > 0) {
            // The legend has each run once.
            const rows = chart.root.querySelectorAll<HTMLElement>('.u-series');
            rows.forEach((row, at) => (row.hidden = at % 2 === 1));
          }
        }
      ]
    }
  };
}
