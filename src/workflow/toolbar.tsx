import type { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  ReactWidget,
  redoIcon,
  runIcon,
  saveIcon,
  stopIcon,
  ToolbarButton,
  undoIcon
} from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

import { CANVAS_FACTORY } from '../lab/tokens';
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

/** A button of the toolbar of a workflow. */
interface IButton {
  icon: ToolbarButton['props']['icon'];
  tooltip: string;
  act: (widget: WorkflowWidget, button: ToolbarButton) => unknown;
  isEnabled?: (model: CanvasModel) => boolean;
}

/**
 * Registers the items of the toolbar of a workflow: its buttons, and the state of its run.
 *
 * The settings (`jupyter.lab.toolbars` in `canvas.json`) say which are shown, and in what order.
 */
export function addToolbarItems(
  registry: IToolbarWidgetRegistry,
  trans: TranslationBundle,
  commands: CommandRegistry
): void {
  for (const [name, button] of Object.entries(buttons(trans, commands))) {
    registry.addFactory<WorkflowWidget>(CANVAS_FACTORY, name, widget =>
      createButton(name, button, widget)
    );
  }
  registry.addFactory<WorkflowWidget>(CANVAS_FACTORY, 'state', ({ model }) => {
    const state = ReactWidget.create(<StateText model={model} trans={trans} />);
    state.addClass('jp-mlws-StateText');
    return state;
  });
}

function createButton(
  name: string,
  { icon, tooltip, act, isEnabled }: IButton,
  widget: WorkflowWidget
): ToolbarButton {
  const button = new ToolbarButton({
    icon,
    tooltip,
    onClick: () => void act(widget, button),
    className: `jp-mlws-${name}`
  });
  button.addClass(`jp-mlws-Toolbar-${name}`);
  if (isEnabled) {
    const { model } = widget;
    const update = (): void => {
      button.enabled = isEnabled(model);
    };
    update();
    model.drawing.changed.connect(update);
    model.document.history.changed.connect(update);
    model.runs.current.changed.connect(update);
    model.runs.changed.connect(update);
  }
  return button;
}

function buttons(
  trans: TranslationBundle,
  commands: CommandRegistry
): Record<string, IButton> {
  return {
    save: {
      icon: saveIcon,
      tooltip: trans.__('Save'),
      act: ({ context }) => context.save()
    },
    run: {
      icon: runIcon,
      tooltip: trans.__('Run Workflow'),
      act: ({ model }) => model.runs.start(),
      isEnabled: ({ runs, drawing }) =>
        runs.canRun && drawing.graph.nodes.size > 0
    },
    stop: {
      icon: stopIcon,
      tooltip: trans.__('Stop Run'),
      act: ({ model }) => model.runs.cancel(),
      isEnabled: ({ runs }) => runs.isRunning
    },
    undo: {
      icon: undoIcon,
      tooltip: trans.__('Undo'),
      act: ({ model }) => model.document.undo(),
      isEnabled: ({ document }) => document.history.canUndo
    },
    redo: {
      icon: redoIcon,
      tooltip: trans.__('Redo'),
      act: ({ model }) => model.document.redo(),
      isEnabled: ({ document }) => document.history.canRedo
    },
    'auto-layout': {
      icon: autoLayoutIcon,
      tooltip: trans.__('Auto Layout'),
      act: ({ model }) => model.drawing.arrange()
    },
    fit: {
      icon: fitIcon,
      tooltip: trans.__('Fit to View'),
      act: ({ content }) => content.flow?.fit()
    },
    tree: {
      icon: treeIcon,
      tooltip: trans.__('Tree View'),
      act: ({ content }) => {
        content.hasTree = !content.hasTree;
      }
    },
    history: {
      icon: historyIcon,
      tooltip: trans.__('Run History'),
      act: ({ content }) => {
        content.hasHistory = !content.hasHistory;
      }
    },
    more: {
      icon: moreIcon,
      tooltip: trans.__('More'),
      act: (_, button) => {
        const { left, bottom } = button.node.getBoundingClientRect();
        const menu = new Menu({ commands });
        MORE.forEach(command =>
          menu.addItem(command === '' ? { type: 'separator' } : { command })
        );
        menu.aboutToClose.connect(() => setTimeout(() => menu.dispose()));
        menu.open(left, bottom);
      }
    }
  };
}

/** Commands of the button "More"; "" is a separator. */
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
