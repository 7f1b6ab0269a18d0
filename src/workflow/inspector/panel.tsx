import { useId, useRef, useState, type ReactNode } from 'react';

import type { IProblem } from '../../api/models';
import { Button, Empty } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { Markdown } from '../../ui/markdown';
import { type IFrame, itemOf } from '../document/notes';
import { setTitle } from '../document/variables';
import type { Problem } from '../graph/validate';
import { useCanvas } from '../context';
import {
  useDocument,
  useDrawing,
  usePanes,
  useRuns,
  useSelection
} from '../hooks';
import * as gestures from '../store/gestures';
import type { ICodeTarget } from './codeSection';
import { FailureBox } from './failureBox';
import { SettingsView } from './settingsForm';
import { SubworkflowSection } from './subworkflow';
import { SourcePanel } from './sourcePanel';
import { problemText } from '../labels';
import { Repairs } from './repairs';

/** Right pane: the selected node, or the workflow. */
export function Panel(props: {
  onShow: (node: string) => void;
  recentRuns: ReactNode;
}): JSX.Element {
  const { model } = useCanvas();
  const { ids, single: selected } = useSelection();
  return (
    <div
      className="jp-mlws-Panel"
      role="region"
      aria-label={trans.__('Details')}
    >
      {selected !== null && itemOf(selected) ? (
        <ItemPanel key={selected} item={selected} />
      ) : selected !== null && model.drawing.source(selected) ? (
        <fieldset
          className="jp-mlws-ReadOnly"
          disabled={model.document.isReadOnly}
        >
          <SourcePanel key={selected} id={selected} />
        </fieldset>
      ) : selected !== null ? (
        <NodePanel key={selected} node={selected} />
      ) : ids.size > 1 ? (
        <Empty>{trans.__('%1 nodes selected', ids.size)}</Empty>
      ) : (
        <WorkflowPanel onShow={props.onShow} recentRuns={props.recentRuns} />
      )}
    </div>
  );
}

function NodePanel({ node }: { node: string }): JSX.Element {
  const { model } = useCanvas();
  const { isReadOnly } = model.document;
  const panes = usePanes();
  const body = useRef<HTMLDivElement>(null);
  const [target, setTarget] = useState<ICodeTarget | null>(null);
  return (
    <>
      <FailureBox
        node={node}
        onFix={setting => focusSetting(body.current, setting)}
        onLine={line => setTarget({ line })}
        onLog={() => panes.showTab('log')}
      />
      <div
        className="jp-mlws-Panel-body"
        ref={body}
        role="group"
        aria-label={trans.__('Settings')}
        // Without a field that takes the focus, the keyboard scrolls it.
        tabIndex={isReadOnly ? 0 : undefined}
      >
        <fieldset className="jp-mlws-ReadOnly" disabled={isReadOnly}>
          <SettingsView node={node} target={target} />
        </fieldset>
      </div>
    </>
  );
}

/** Gives the focus to the field of a setting. */
function focusSetting(body: HTMLElement | null, setting: string): void {
  const field = body?.querySelector<HTMLElement>(
    `[id$="_${CSS.escape(setting)}"]`
  );
  field?.scrollIntoView({ block: 'center' });
  field?.focus();
}

/** Text of a note or a frame. */
function ItemPanel({ item }: { item: string }): JSX.Element | null {
  const { model, renderers } = useCanvas();
  const { notes, frames } = useDrawing();
  const { list, index } = itemOf(item)!;
  const note = list === 'notes' ? notes[index] : undefined;
  const frame = list === 'frames' ? frames[index] : undefined;
  return (
    <div className="jp-mlws-Panel-body">
      {note && (
        <>
          <h3>{trans.__('Note')}</h3>
          <Markdown text={note.text} renderers={renderers} />
        </>
      )}
      {frame && (
        <>
          <h3>{frame.title || trans.__('Frame')}</h3>
          <FrameActions index={index} frame={frame} />
          <SubworkflowSection index={index} frame={frame} />
          <ul className="jp-mlws-Paths">
            {frame.nodes.map(node => (
              <li key={node}>
                <button
                  className="jp-mlws-Group-member"
                  onClick={() => model.selection.select([node])}
                >
                  {node}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      <p className="jp-mlws-Field-help">
        {trans.__('Double-click or press F2 to edit.')}
      </p>
    </div>
  );
}

function FrameActions(props: { index: number; frame: IFrame }): JSX.Element {
  const { model } = useCanvas();
  const { canRun } = useRuns();
  const { index, frame } = props;
  return (
    <div
      className="jp-mlws-NodeActions"
      role="group"
      aria-label={trans.__('Actions of the frame')}
    >
      <Button onClick={() => gestures.toggleCollapsed(model, index)}>
        {frame.isCollapsed ? trans.__('Expand') : trans.__('Collapse')}
      </Button>
      <Button
        disabled={!canRun}
        onClick={() => void model.runs.startTo(frame.nodes)}
      >
        {trans.__('Run to Here')}
      </Button>
      <Button
        disabled={!canRun}
        onClick={() => void model.runs.startFrom(frame.nodes)}
      >
        {trans.__('Run from Here')}
      </Button>
    </div>
  );
}

function WorkflowPanel({
  onShow,
  recentRuns
}: {
  onShow: (node: string) => void;
  recentRuns: ReactNode;
}): JSX.Element {
  const { workflow } = useDocument();
  const { problems, graph } = useDrawing();
  return (
    <div className="jp-mlws-Panel-body">
      <TitleField key={workflow.title} />
      <p className="jp-mlws-Settings-kind">
        {trans._n('%1 node', '%1 nodes', graph.nodes.size)}
      </p>
      <h4>{trans.__('Problems')}</h4>
      {problems.length === 0 ? (
        <Empty>{trans.__('No problems')}</Empty>
      ) : (
        <ul className="jp-mlws-Problems">
          {problems.map((problem, index) => (
            <ProblemRow key={index} problem={problem} onShow={onShow} />
          ))}
        </ul>
      )}
      {recentRuns}
    </div>
  );
}

function TitleField(): JSX.Element {
  const { model } = useCanvas();
  const { title } = model.document.workflow;
  const id = useId();
  const [draft, setDraft] = useState(title);
  const commit = (): void => {
    if (draft !== title) {
      model.document.edit(setTitle(draft));
    }
  };
  return (
    <div className="jp-mlws-Field">
      <label htmlFor={id}>{trans.__('Title')}</label>
      <input
        id={id}
        className="jp-mod-styled"
        readOnly={model.document.isReadOnly}
        value={draft}
        placeholder={trans.__('Untitled workflow')}
        onChange={event => setDraft(event.target.value)}
        onBlur={commit}
        onKeyDown={event => event.key === 'Enter' && commit()}
      />
    </div>
  );
}

function ProblemRow(props: {
  problem: Problem | IProblem;
  onShow: (node: string) => void;
}): JSX.Element {
  const { problem, onShow } = props;
  const node = problem.node?.split('@')[0] ?? null;
  const fix = 'fix' in problem ? problem.fix : null;
  const severity = 'severity' in problem ? problem.severity : 'error';
  const text = problemText(problem);
  return (
    <li className={`jp-mod-${severity}`}>
      {node ? (
        <button onClick={() => onShow(node)}>
          {'kind' in problem && <strong>{node} </strong>}
          {text}
        </button>
      ) : (
        text
      )}
      {fix && <div className="jp-mlws-Field-help">{fix}</div>}
      {'repairs' in problem && <Repairs problem={problem} />}
    </li>
  );
}
