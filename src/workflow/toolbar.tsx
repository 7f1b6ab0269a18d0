import type { TranslationBundle } from '@jupyterlab/translation';
import {
  ReactWidget,
  redoIcon,
  runIcon,
  saveIcon,
  stopIcon,
  Toolbar,
  ToolbarButton,
  undoIcon
} from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

import { duration } from '../ui/format';
import { runStatusLabel } from '../ui/runStatus';
import { useSignal } from '../ui/useSignal';
import {
  autoLayoutIcon,
  fitIcon,
  historyIcon,
  moreIcon,
  treeIcon
} from './icons';
import { useElapsed } from './store/hooks';
import type { CanvasModel } from './store/model';
import { FINAL } from './store/run';
import type { WorkflowWidget } from './widget';

/** Adds the buttons of a canvas, and the state of its run. */
export function fillToolbar(
  widget: WorkflowWidget,
  trans: TranslationBundle,
  commands: CommandRegistry
): void {
  const { model, toolbar } = widget;
  const button = (
    name: string,
    icon: ToolbarButton['props']['icon'],
    tooltip: string,
    onClick: () => void
  ): ToolbarButton => {
    const item = new ToolbarButton({
      icon,
      tooltip,
      onClick,
      className: `jp-mlws-${name}`
    });
    item.addClass(`jp-mlws-Toolbar-${name}`);
    toolbar.addItem(name, item);
    return item;
  };
  button('save', saveIcon, trans.__('Save'), () => void widget.context.save());
  const run = button(
    'run',
    runIcon,
    trans.__('Run Workflow'),
    () => void model.runs.start()
  );
  const stop = button(
    'stop',
    stopIcon,
    trans.__('Stop Run'),
    () => void model.runs.cancel()
  );
  const undo = button('undo', undoIcon, trans.__('Undo'), () =>
    model.document.undo()
  );
  const redo = button('redo', redoIcon, trans.__('Redo'), () =>
    model.document.redo()
  );
  button('auto-layout', autoLayoutIcon, trans.__('Auto Layout'), () =>
    model.drawing.arrange()
  );
  button('fit', fitIcon, trans.__('Fit to View'), () =>
    widget.content.flow?.fit()
  );
  button('tree', treeIcon, trans.__('Tree View'), () => {
    widget.content.hasTree = !widget.content.hasTree;
  });
  button('history', historyIcon, trans.__('Run History'), () => {
    widget.content.hasHistory = !widget.content.hasHistory;
  });
  const more = button('more', moreIcon, trans.__('More'), () => {
    const { left, bottom } = more.node.getBoundingClientRect();
    const menu = new Menu({ commands });
    MORE.forEach(command =>
      menu.addItem(command === '' ? { type: 'separator' } : { command })
    );
    menu.aboutToClose.connect(() => setTimeout(() => menu.dispose()));
    menu.open(left, bottom);
  });
  toolbar.addItem('spacer', Toolbar.createSpacerItem());
  const state = ReactWidget.create(<StateText model={model} trans={trans} />);
  state.addClass('jp-mlws-StateText');
  toolbar.addItem('state', state);

  const update = (): void => {
    run.enabled = model.runs.canRun && model.drawing.graph.nodes.size > 0;
    stop.enabled = model.runs.isRunning;
    undo.enabled = model.document.history.canUndo;
    redo.enabled = model.document.history.canRedo;
  };
  update();
  model.drawing.changed.connect(update);
  model.document.history.changed.connect(update);
  model.runs.current.changed.connect(update);
  model.runs.changed.connect(update);
}

/** What the button "More" offers; "" is a line between. */
const MORE = [
  'workflow:add-node',
  'workflow:add-note',
  'workflow:find',
  '',
  'workflow:copy-command',
  'workflow:export-script',
  'workflow:export-svg',
  'workflow:export-png',
  '',
  'workflow:compare',
  'workflow:import'
];

/** "Running 3/6", "Completed in 4.2 s". */
function StateText(props: {
  model: CanvasModel;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { model, trans } = props;
  useSignal(model.runs.current.changed);
  const { run, progress } = model.runs.current;
  const isOver = run !== null && FINAL.has(run.status);
  const elapsed = useElapsed(run?.started ?? null, run !== null && !isOver);
  if (!run) {
    return null;
  }
  const word = runStatusLabel(run.status, trans);
  const text = !isOver
    ? `${word} ${progress.done}/${progress.total}${run.started ? ` · ${duration(elapsed)}` : ''}`
    : run.duration !== null
      ? trans.__('%1 in %2', word, duration(run.duration))
      : word;
  return (
    <span
      className="jp-mlws-State"
      role="status"
      data-mlws-run={run.id}
      data-mlws-state={run.status}
      title={run.error?.message}
    >
      {text}
    </span>
  );
}
