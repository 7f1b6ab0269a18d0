import { caretLeftIcon, caretRightIcon } from '@jupyterlab/ui-components';
import { useEffect, useRef, useState } from 'react';

import { Button } from '../../ui/controls';
import { fullTime } from '../../ui/format';
import { trans } from '../../ui/locale';
import { Splitter } from '../../ui/splitter';
import { useWidth } from '../../ui/useHasSize';
import { useSignal } from '../../ui/useSignal';
import { Flow } from './flow';
import type { IViewMemory } from './flowLooks';
import type { IFlowHandle } from './handle';
import { HistoryPane } from '../runs/history';
import { Legend } from '../runs/legend';
import { LogView } from '../runs/log';
import { RunList } from '../runs/runList';
import { useCanvas } from '../context';
import {
  useCurrentRun,
  useDocument,
  usePanes,
  usePreferences,
  useSlot
} from '../hooks';
import { Palette } from './palette';
import { Panel } from '../inspector/panel';
import { VariantChoice } from '../inspector/variantChoice';
import { Drawer } from '../results/drawer';
import { RunChanges } from '../results/metricsView';
import { PreviewView } from '../results/preview';
import { PANE_LIMITS } from '../store/panes';
import { differenceText, errorText } from '../labels';
import { runStatusLabel } from '../../ui/runStatus';
import * as gestures from '../store/gestures';

const RECENT_RUNS = 10;

export interface ICanvasViewProps {
  id: string;
  view: IViewMemory;
  onReady: (handle: IFlowHandle) => void;
  hasTree: boolean;
}

/** The canvas: palette, drawing, panel and results, with the parse error above. */
export function CanvasView(props: ICanvasViewProps): JSX.Element {
  const { model } = useCanvas();
  const panes = usePanes();
  const flow = useRef<IFlowHandle | null>(null);
  const body = useRef<HTMLDivElement>(null);
  const width = useWidth(body);
  const isReadOnly = model.document.isReadOnly;
  const preferences = usePreferences();
  const showPalette = preferences.showPalette && !isReadOnly;
  // Of a hidden tab, until it is shown.
  const hasSize = width > 0;
  const widths = panes.widths(width, showPalette);
  const { onReady } = props;
  useSlot(model.runs.ended, ({ status, error }) => {
    const node = error?.node?.split('@')[0];
    const isTyping =
      document.activeElement instanceof HTMLElement &&
      document.activeElement.matches('input, textarea, [contenteditable]');
    if (status === 'FAILED' && node && !isTyping) {
      model.selection.select([node]);
      panes.setOpen('panel', true);
    } else if (status === 'COMPLETED') {
      panes.showTab(panes.pane('drawer').isOpen ? panes.tab : 'metrics');
    }
  });
  return (
    <>
      <ErrorBanner />
      <ConflictBanner />
      <ConnectionBanner />
      <PastRunBanner />
      <div
        className="jp-mlws-Workflow-body"
        ref={body}
        style={{
          gridTemplateColumns: `minmax(0, 1fr)${widths.panel > 0 ? ` auto ${widths.panel}px` : ''}`
        }}
      >
        <div className="jp-mlws-Workflow-main">
          <div
            className="jp-mlws-Workflow-drawing"
            style={{
              gridTemplateColumns: `${widths.palette > 0 ? `${widths.palette}px auto ` : ''}minmax(0, 1fr)`
            }}
          >
            {widths.palette > 0 && (
              <>
                <Palette
                  onAdd={name => {
                    if (flow.current) {
                      gestures.addComponent(model, name, flow.current.centre());
                    }
                  }}
                />
                <Splitter
                  label={trans.__('Width of the palette')}
                  side="left"
                  size={widths.palette}
                  limits={PANE_LIMITS.palette}
                  onResize={size => panes.resize('palette', size)}
                  onCollapse={() => panes.setOpen('palette', false)}
                />
              </>
            )}
            <div className="jp-mlws-Workflow-middle">
              {hasSize && (
                <Flow
                  id={props.id}
                  view={props.view}
                  hasTree={props.hasTree}
                  onReady={handle => {
                    flow.current = handle;
                    onReady(handle);
                  }}
                />
              )}
              {showPalette && widths.palette === 0 && (
                <PaneButton name="palette" label={trans.__('Show Palette')} />
              )}
              {widths.panel === 0 && (
                <PaneButton name="panel" label={trans.__('Show Settings')} />
              )}
            </div>
          </div>
          <Drawer
            legend={<Legend />}
            preview={node => (
              <VariantChoice node={node}>
                {(id, status) => <PreviewView node={id} status={status} />}
              </VariantChoice>
            )}
            log={node => (
              <VariantChoice node={node}>
                {(id, status) => <LogView key={id} node={id} status={status} />}
              </VariantChoice>
            )}
            runs={
              <HistoryPane
                onShow={node => flow.current?.focusNode(node)}
                changes={<RunChanges />}
              />
            }
          />
        </div>
        {widths.panel > 0 && (
          <>
            <Splitter
              label={trans.__('Width of the settings')}
              side="right"
              size={widths.panel}
              limits={PANE_LIMITS.panel}
              onResize={size => panes.resize('panel', size)}
              onCollapse={() => panes.setOpen('panel', false)}
            />
            <Panel
              onShow={node => flow.current?.focusNode(node)}
              recentRuns={
                isReadOnly ? null : (
                  <>
                    <h4>{trans.__('Recent runs')}</h4>
                    <RunList most={RECENT_RUNS} />
                  </>
                )
              }
            />
          </>
        )}
      </div>
      <Announcer />
    </>
  );
}

/** Shows a pane that was hidden. */
function PaneButton(props: {
  name: 'palette' | 'panel';
  label: string;
}): JSX.Element {
  const panes = usePanes();
  const { name, label } = props;
  return (
    <button
      className={`jp-mlws-PaneButton jp-mod-${name}`}
      aria-label={label}
      title={label}
      onClick={() => panes.setOpen(name, true)}
    >
      {name === 'palette' ? (
        <caretRightIcon.react tag="span" />
      ) : (
        <caretLeftIcon.react tag="span" />
      )}
    </button>
  );
}

function ErrorBanner(): JSX.Element | null {
  const { model, openAsText } = useCanvas();
  const { error } = useDocument();
  return (
    error && (
      <div className="jp-mlws-Banner" role="alert">
        <span>
          {trans.__('Line %1: %2', error.line, errorText(error))}
          {model.drawing.graph.nodes.size > 0 && (
            <span className="jp-mlws-Banner-more">
              {trans.__('Showing the last valid version of the file.')}
            </span>
          )}
        </span>
        <Button onClick={openAsText}>{trans.__('Open in Text Editor')}</Button>
      </div>
    )
  );
}

/** The file and the canvas have changed the same lines: neither is lost unseen. */
function ConflictBanner(): JSX.Element | null {
  const { discard } = useDocument();
  return (
    discard && (
      <div className="jp-mlws-Banner" role="alert">
        <span>
          {trans.__(
            'The file also changed on disk, in the same lines. You will be asked which ' +
              'version to keep when you save.'
          )}
        </span>
        <Button onClick={() => void discard()}>
          {trans.__('Discard My Edits and Reload')}
        </Button>
      </div>
    )
  );
}

/** Warning that run states may be outdated while the event stream is disconnected. */
function ConnectionBanner(): JSX.Element | null {
  const { model } = useCanvas();
  useSignal(model.server.connectionChanged);
  return model.server.isConnected ? null : (
    <div className="jp-mlws-Banner jp-mod-warning" role="status">
      <span>
        {trans.__(
          'Connection lost. Reconnecting… Run status may be out of date; your edits are kept.'
        )}
      </span>
    </div>
  );
}

/** Banner of a past run, with the differences from the present workflow. */
function PastRunBanner(): JSX.Element | null {
  const { past } = useCanvas();
  const { run } = useCurrentRun();
  if (!past || !run) {
    return null;
  }
  const { differences, compare, leave, restore } = past;
  return (
    <div className="jp-mlws-Banner jp-mod-past" role="status">
      <span>
        <strong>
          {trans.__(
            'Read-only: the workflow of the run of %1',
            fullTime(run.started ?? run.created)
          )}
        </strong>{' '}
        {differences.length === 0
          ? trans.__('It is the same now.')
          : trans.__(
              'Different now: %1',
              differences
                .map(one => `${one.id} (${differenceText(one)})`)
                .join('; ')
            )}
      </span>
      {differences.length > 0 && (
        <>
          <Button onClick={compare}>{trans.__('Compare with Now')}</Button>
          <Button
            title={trans.__(
              'Gives the workflow the nodes and settings of this run. Undo takes it back.'
            )}
            onClick={restore}
          >
            {trans.__('Use This Version')}
          </Button>
        </>
      )}
      <Button onClick={leave}>{trans.__('Back to Now')}</Button>
    </div>
  );
}

/** Announces the progress of a run to screen readers; the drawing shows it by colors. */
function Announcer(): JSX.Element {
  const { model } = useCanvas();
  const region = useRef<HTMLDivElement>(null);
  const [statuses] = useState(() => new Map<string, string>());
  const tell = (): void => {
    const news: string[] = [];
    for (const [id, { status }] of model.runs.current.nodes.entries) {
      if (statuses.has(id) && statuses.get(id) !== status) {
        news.push(`${id}: ${runStatusLabel(status)}`);
      }
      statuses.set(id, status);
    }
    if (news.length > 0 && region.current) {
      region.current.textContent = news.join('. ');
    }
  };
  useSlot(model.runs.current.changed, tell);
  // eslint-disable-next-line react-hooks/exhaustive-deps
  useEffect(tell, []);
  return <div className="jp-mlws-Announcer" aria-live="polite" ref={region} />;
}
