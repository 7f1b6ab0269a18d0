import {
  caretDownIcon,
  caretUpIcon,
  launchIcon
} from '@jupyterlab/ui-components';
import type { ReactNode } from 'react';

import { Empty } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { IconButton } from '../../ui/iconButton';
import { Splitter } from '../../ui/splitter';
import { Tabs } from '../../ui/tabs';
import { useCanvas } from '../context';
import { usePanes, useSelection } from '../hooks';
import { PANE_LIMITS, type DrawerTab } from '../store/panes';
import { MetricsView } from './metricsView';

/** The drawer below the drawing: metrics, and the results and log of the selected node. */
export function Drawer(props: {
  /** Renders the outputs of a node. */
  preview: (node: string) => ReactNode;
  log: (node: string) => ReactNode;
  runs: ReactNode;
  legend: ReactNode;
}): JSX.Element {
  const { model, showReport } = useCanvas();
  const panes = usePanes();
  const { singleNode: node } = useSelection();
  const { size, isOpen } = panes.pane('drawer');
  const { tab } = panes;
  const tabs: [DrawerTab, string][] = [
    ['metrics', trans.__('Metrics')],
    ['preview', trans.__('Preview')],
    ['log', trans.__('Log')],
    ['runs', trans.__('Runs')]
  ];
  const toggle = (): void => panes.setOpen('drawer', !isOpen);
  const ofNode = (draw: (id: string) => ReactNode): ReactNode =>
    node === null || !model.drawing.graph.nodes.has(node) ? (
      <Empty>{trans.__('Select a node.')}</Empty>
    ) : (
      draw(node)
    );
  return (
    <div
      className="jp-mlws-Drawer"
      data-mlws-help="reference-runs"
      role="region"
      aria-label={trans.__('Results')}
      style={isOpen ? { flexBasis: size } : undefined}
    >
      {isOpen && (
        <Splitter
          label={trans.__('Height of the results')}
          side="bottom"
          size={size}
          limits={PANE_LIMITS.drawer}
          onResize={next => panes.resize('drawer', next)}
          onCollapse={toggle}
        />
      )}
      <div className="jp-mlws-Drawer-bar">
        <Tabs
          className="jp-mlws-Tabs"
          label={trans.__('Results')}
          tabs={tabs}
          tab={tab}
          isOpen={isOpen}
          onChange={name => panes.showTab(name)}
        />
        {props.legend}
        <button
          className="jp-mlws-Drawer-report"
          title={trans.__('Show all metrics, figures and tables on one page')}
          onClick={showReport}
        >
          <launchIcon.react tag="span" />
          {trans.__('Report')}
        </button>
        <IconButton
          icon={isOpen ? caretDownIcon : caretUpIcon}
          label={isOpen ? trans.__('Hide Results') : trans.__('Show Results')}
          aria-expanded={isOpen}
          onClick={toggle}
        />
      </div>
      {isOpen && (
        <div
          className="jp-mlws-Drawer-body"
          role="tabpanel"
          aria-label={tabs.find(([name]) => name === tab)?.[1]}
        >
          {tab === 'metrics' && <MetricsView />}
          {tab === 'preview' && ofNode(props.preview)}
          {tab === 'log' && ofNode(props.log)}
          {tab === 'runs' && props.runs}
        </div>
      )}
    </div>
  );
}
