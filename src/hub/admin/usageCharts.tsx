import 'uplot/dist/uPlot.min.css';

import {
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactNode
} from 'react';
import uPlot from 'uplot';

import type { MLWSClient } from '../../api/client';
import type { IUsageHistory, IUsageSeries } from '../../api/models';
import { Hint, LabelledSelect, SearchField } from '../../ui/controls';
import { cores, memorySize } from '../../ui/format';
import { language, trans } from '../../ui/locale';
import { Answer, useGet } from '../../ui/server';
import { Head } from '../../ui/table/heading';
import { useWidth } from '../../ui/useHasSize';

const HEIGHT = 180;
/** Colors that can be told apart in both themes; the service returns no more series. */
const COLORS = [
  '#1f77b4',
  '#ff7f0e',
  '#2ca02c',
  '#d62728',
  '#9467bd',
  '#8c564b',
  '#e377c2',
  '#17a2b8'
];
/** Steps between the marks of an axis with bytes. */
const BYTES = Array.from({ length: 50 }, (_, power) => 2 ** power);
/** Rows of the table of a chart. */
const MAX_ROWS = 24;
type Span = 'hour' | 'day' | 'week' | 'month';
type Subject = 'machine' | 'user';
type Metric = 'cpu' | 'memory' | 'gpu' | 'disk';

const METRICS: readonly Metric[] = ['cpu', 'memory', 'gpu', 'disk'];

const metricLabels = (): Record<Metric, string> => ({
  cpu: trans.__('CPU (cores)'),
  memory: trans.__('Memory'),
  gpu: trans.__('GPU (allocated)'),
  disk: trans.__('Disk')
});

function valueText(metric: Metric, value: number | null | undefined): string {
  if (value === null || value === undefined) {
    return '–';
  }
  return metric === 'cpu' || metric === 'gpu'
    ? cores(value)
    : memorySize(value);
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString(language, {
    dateStyle: 'short',
    timeStyle: 'short'
  });
}

/** The middle of each interval of a history. */
function timesOf({ since, width }: IUsageHistory, count: number): number[] {
  return Array.from({ length: count }, (_, index) => since + index * width);
}

function hasValues(items: readonly IUsageSeries[], metric: Metric): boolean {
  return items.some(one => one[metric].some(value => value));
}

/** Calls a function when the page's theme changes. */
function onThemeChange(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributeFilter: ['data-jp-theme-light'] });
  return () => observer.disconnect();
}

/** Usage of machines and users over time, from the service's own records. */
export function UsageCharts(props: {
  client: MLWSClient;
  isAdmin: boolean;
}): JSX.Element {
  const { client, isAdmin } = props;
  const [span, setSpan] = useState<Span>('day');
  const [subject, setSubject] = useState<Subject>('machine');
  const [metric, setMetric] = useState<Metric>('cpu');
  const [name, setName] = useState('');
  const history = useGet(
    client,
    '/resources/history',
    { span, subject, metric, ...(subject === 'user' && name && { name }) },
    { keepPrevious: true }
  );
  return (
    <section className="jp-mlws-UsageCharts" aria-labelledby="mlws-usage">
      <h2 id="mlws-usage">{trans.__('Usage')}</h2>
      <div className="jp-mlws-Toolbar">
        <LabelledSelect<Span>
          label={trans.__('Time span')}
          className="jp-mlws-Select jp-mod-styled"
          value={span}
          options={[
            ['hour', trans.__('Hour')],
            ['day', trans.__('Day')],
            ['week', trans.__('Week')],
            ['month', trans.__('Month')]
          ]}
          onChange={setSpan}
        />
        <LabelledSelect<Subject>
          label={trans.__('Usage of')}
          className="jp-mlws-Select jp-mod-styled"
          value={subject}
          options={[
            ['machine', trans.__('Machines')],
            ['user', isAdmin ? trans.__('Users') : trans.__('My containers')]
          ]}
          onChange={setSubject}
        />
        {isAdmin && subject === 'user' && (
          <>
            <LabelledSelect<Metric>
              label={trans.__('Sort by')}
              className="jp-mlws-Select jp-mod-styled"
              value={metric}
              options={METRICS.map(one => [one, metricLabels()[one]])}
              onChange={setMetric}
            />
            <SearchField
              placeholder={trans.__('Those who used the most')}
              label={trans.__('Name of one user')}
              value={name}
              onChange={setName}
            />
          </>
        )}
      </div>
      <Answer of={history}>
        {data =>
          data.items.length === 0 ? (
            <Hint>
              {trans.__(
                'Nothing has been recorded in this time. Usage is recorded every minute.'
              )}
            </Hint>
          ) : (
            <div className="jp-mlws-UsageCharts-list">
              {METRICS.filter(
                one => one !== 'gpu' || hasValues(data.items, one)
              ).map(one => (
                <Chart key={one} history={data} metric={one} />
              ))}
            </div>
          )
        }
      </Answer>
    </section>
  );
}

function Chart(props: { history: IUsageHistory; metric: Metric }): JSX.Element {
  const { history, metric } = props;
  const label = metricLabels()[metric];
  return (
    <figure
      className="jp-mlws-UsageChart"
      aria-label={label}
      data-mlws-chart={metric}
    >
      <figcaption>{label}</figcaption>
      <Plot history={history} metric={metric} />
      <Table history={history} metric={metric} label={label} />
    </figure>
  );
}

function Plot(props: { history: IUsageHistory; metric: Metric }): JSX.Element {
  const { history, metric } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const width = useWidth(host);
  const isLight = useSyncExternalStore(
    onThemeChange,
    () => document.body.dataset.jpThemeLight
  );
  const newest = useRef(history);
  newest.current = history;
  const names = JSON.stringify(history.items.map(({ name }) => name));
  const isReady = width > 0;

  useEffect(() => {
    if (!isReady) {
      return;
    }
    const chart = new uPlot(
      optionsOf(JSON.parse(names), metric, host.current!.clientWidth),
      dataOf(newest.current, metric),
      host.current!
    );
    plot.current = chart;
    return () => {
      plot.current = null;
      chart.destroy();
    };
  }, [names, metric, isReady, isLight]);

  useEffect(() => {
    plot.current?.setSize({ width, height: HEIGHT });
  }, [width]);

  useEffect(() => {
    plot.current?.setData(dataOf(history, metric));
  }, [history, metric]);

  return <div ref={host} style={{ minHeight: HEIGHT }} aria-hidden="true" />;
}

function dataOf(history: IUsageHistory, metric: Metric): uPlot.AlignedData {
  const count = history.items[0]?.[metric].length ?? 0;
  return [
    timesOf(history, count),
    ...history.items.map(one => one[metric])
  ] as uPlot.AlignedData;
}

function optionsOf(
  names: readonly string[],
  metric: Metric,
  width: number
): uPlot.Options {
  const style = getComputedStyle(document.body);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color('--jp-ui-font-color1') || 'black',
    grid: { stroke: color('--jp-border-color2') || 'silver', width: 1 },
    ticks: { stroke: color('--jp-border-color2') || 'silver', width: 1 },
    font: '11px sans-serif'
  };
  return {
    width,
    height: HEIGHT,
    scales: {
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] }
    },
    axes: [
      {
        ...axis,
        space: 80,
        values: (chart, splits) => {
          const { min, max } = chart.scales.x;
          const isLong = max! - min! > 2 * 24 * 3600;
          return splits.map(split =>
            new Date(split * 1000).toLocaleString(
              language,
              isLong
                ? { month: 'numeric', day: 'numeric' }
                : { hour: '2-digit', minute: '2-digit' }
            )
          );
        }
      },
      {
        ...axis,
        size: 70,
        ...(metric === 'memory' || metric === 'disk' ? { incrs: BYTES } : {}),
        values: (_, splits) => splits.map(split => valueText(metric, split))
      }
    ],
    series: [
      {
        label: trans.__('Time'),
        value: (_, raw) => (raw === null ? '–' : timeText(raw))
      },
      ...names.map((label, index) => ({
        label,
        stroke: COLORS[index % COLORS.length],
        width: 1.5,
        value: (_: uPlot, raw: number | null) => valueText(metric, raw)
      }))
    ],
    cursor: { drag: { x: false, y: false } },
    legend: { live: true }
  };
}

/** The values of a chart for keyboards and screen readers: the newest, in at most 24 rows. */
function Table(props: {
  history: IUsageHistory;
  metric: Metric;
  label: string;
}): ReactNode {
  const { history, metric, label } = props;
  const { items } = history;
  const count = items[0][metric].length;
  const step = Math.ceil(count / MAX_ROWS);
  const times = timesOf(history, count);
  const rows = times
    .map((time, index) => ({ time, index }))
    .filter(({ index }) => (count - 1 - index) % step === 0)
    .reverse();
  return (
    <details>
      <summary>{trans.__('Values of %1 as a table', label)}</summary>
      <div className="jp-mlws-Grid-frame" tabIndex={0}>
        <table className="jp-mlws-Grid">
          <Head names={[trans.__('Time'), ...items.map(({ name }) => name)]} />
          <tbody>
            {rows.map(({ time, index }) => (
              <tr key={time}>
                <th scope="row">{timeText(time)}</th>
                {items.map(one => (
                  <td key={one.name}>
                    {valueText(metric, one[metric][index])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
