import type { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import {
  checkIcon,
  ReactWidget,
  redoIcon,
  runIcon,
  saveIcon,
  stopIcon,
  ToolbarButton,
  undoIcon,
  UseSignal
} from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

import { CANVAS_FACTORY } from '../lab/tokens';
import { duration } from '../ui/format';
import { trans } from '../ui/locale';
import { runStatusLabel } from '../ui/runStatus';
import { useSignal } from '../ui/useSignal';
import type { Editor } from './editor';
import {
  autoLayoutIcon,
  fitIcon,
  historyIcon,
  moreIcon,
  treeIcon,
  workflowIcon
} from './icons';
import { runButtonText } from './labels';
import { useElapsed } from './hooks';
import type { CanvasModel } from './store/model';
import { FINAL } from './store/run';
import type { CanvasWidget, WorkflowWidget } from './widget';

/** A button of the toolbar of a workflow. */
interface IButton {
  icon: ToolbarButton['props']['icon'];
  tooltip: string;
  act: (editor: Editor, canvas: CanvasWidget, button: ToolbarButton) => unknown;
  isEnabled?: (model: CanvasModel) => boolean;
  /** Of a button that shows and hides something. */
  isPressed?: (canvas: CanvasWidget) => boolean;
}

/**
 * Registers the toolbar items of a workflow: its buttons, and the state of its run.
 *
 * The settings (`jupyter.lab.toolbars` in `canvas.json`) choose and order them.
 */
export function addToolbarItems(
  registry: IToolbarWidgetRegistry,
  commands: CommandRegistry
): void {
  for (const [name, button] of Object.entries(buttons(commands))) {
    registry.addFactory<WorkflowWidget>(CANVAS_FACTORY, name, widget =>
      createButton(name, button, widget)
    );
  }
  const add = (
    name: string,
    className: string,
    View: (props: IViewProps) => JSX.Element | null
  ): void => {
    registry.addFactory<WorkflowWidget>(CANVAS_FACTORY, name, widget => {
      const item = ReactWidget.create(
        <UseSignal signal={widget.loaded}>
          {() => widget.model && <View model={widget.model} />}
        </UseSignal>
      );
      item.addClass(className);
      return item;
    });
  };
  add('run', 'jp-mlws-Toolbar-run', RunButton);
  add('problems', 'jp-mlws-Toolbar-problems', ProblemsButton);
  add('state', 'jp-mlws-StateText', StateText);
}

function createButton(
  name: string,
  { icon, tooltip, act, isEnabled, isPressed }: IButton,
  widget: WorkflowWidget
): ToolbarButton {
  const button = new ToolbarButton({
    icon,
    tooltip,
    onClick: () => {
      if (widget.editor) {
        void act(widget.editor, widget.content, button);
      }
      update();
    },
    className: `jp-mlws-${name}`
  });
  button.addClass(`jp-mlws-Toolbar-${name}`);
  const update = (): void => {
    const { model } = widget;
    button.enabled = model !== null && (isEnabled?.(model) ?? true);
    // JupyterLab's button toggles its pressed state on each click.
    button.pressed = isPressed?.(widget.content) ?? false;
  };
  update();
  widget.whenLoaded(({ model, lab }) => {
    update();
    if (isPressed) {
      lab.panes.changed.connect(update);
    }
    if (isEnabled) {
      model.drawing.changed.connect(update);
      model.document.history.changed.connect(update);
      model.runs.current.changed.connect(update);
      model.runs.changed.connect(update);
    }
  });
  return button;
}

function buttons(commands: CommandRegistry): Record<string, IButton> {
  return {
    save: {
      icon: saveIcon,
      tooltip: trans.__('Save'),
      act: ({ context }) => context.save()
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
      act: (_, canvas) => canvas.flow?.fit()
    },
    tree: {
      icon: treeIcon,
      tooltip: trans.__('Tree View'),
      act: (_, canvas) => {
        canvas.hasTree = !canvas.hasTree;
      },
      isPressed: canvas => canvas.hasTree
    },
    history: {
      icon: historyIcon,
      tooltip: trans.__('Run History'),
      act: (_, canvas) => {
        canvas.hasHistory = !canvas.hasHistory;
      },
      isPressed: canvas => canvas.hasHistory
    },
    more: {
      icon: moreIcon,
      tooltip: trans.__('More'),
      act: (_, __, button) =>
        openMenu(
          commands,
          button,
          MORE_COMMANDS.map(command =>
            command === '' ? { type: 'separator' } : { command }
          )
        )
    }
  };
}

function openMenu(
  commands: CommandRegistry,
  button: ToolbarButton,
  items: Menu.IItemOptions[]
): void {
  const { left, bottom } = button.node.getBoundingClientRect();
  const menu = new Menu({ commands });
  items.forEach(item => menu.addItem(item));
  menu.aboutToClose.connect(() => setTimeout(() => menu.dispose()));
  menu.open(left, bottom);
}

/** Registers the menu of workflows in the toolbar of a notebook. */
export function addNotebookMenu(
  registry: IToolbarWidgetRegistry,
  commands: CommandRegistry
): void {
  registry.addFactory<NotebookPanel>('Notebook', 'mlws-workflow', panel => {
    const button = new ToolbarButton({
      icon: workflowIcon,
      tooltip: trans.__('Workflow'),
      onClick: () => {
        const path = panel.context.localPath;
        openMenu(commands, button, [
          { command: 'workflow:run-notebook', args: { path } },
          { command: 'workflow:import', args: { path, isNotebook: true } }
        ]);
      }
    });
    return button;
  });
}

/** Commands of the button "More"; "" is a separator. */
const MORE_COMMANDS = [
  'workflow:add-node',
  'workflow:add-note',
  'workflow:find',
  'workflow:palette',
  '',
  'workflow:copy-command',
  'workflow:export-script',
  'workflow:export-svg',
  'workflow:export-png',
  '',
  'workflow:compare',
  'workflow:import'
];

interface IViewProps {
  model: CanvasModel;
}

/** "Run 3 nodes · ~9 s"; if all are up to date, says so and offers to run nevertheless. */
function RunButton({ model }: IViewProps): JSX.Element {
  const { runs, drawing } = model;
  const { forecast } = runs;
  useSignal(forecast.changed);
  useSignal(runs.changed);
  useSignal(runs.current.changed);
  useSignal(drawing.changed);
  const isEnabled = runs.canRun && drawing.graph.nodes.size > 0;
  const isQuiet = runs.isRunning || forecast.isUpToDate;
  return (
    <>
      <button
        className={`jp-mlws-run jp-mod-styled ${isQuiet ? 'jp-mod-quiet' : 'jp-mod-accept'}`}
        aria-disabled={!isEnabled}
        title={
          forecast.isUpToDate
            ? trans.__('Check again, and run what changed since')
            : trans.__('Run Workflow')
        }
        onClick={() => {
          if (isEnabled) {
            void runs.start();
          }
        }}
      >
        {forecast.isUpToDate && !runs.isRunning ? (
          <checkIcon.react tag="span" />
        ) : (
          <runIcon.react tag="span" />
        )}
        {runs.isRunning ? trans.__('Running…') : runButtonText(forecast.plan)}
      </button>
      {forecast.isUpToDate && !runs.isRunning && (
        <button
          className="jp-mlws-run-all jp-mod-styled jp-mod-quiet"
          aria-disabled={!isEnabled}
          onClick={() => {
            if (isEnabled) {
              void runs.start({ force: true });
            }
          }}
        >
          {trans.__('Run All Again')}
        </button>
      )}
    </>
  );
}

/** The number of problems; a click lists them. */
function ProblemsButton({ model }: IViewProps): JSX.Element | null {
  useSignal(model.drawing.changed);
  const { problems } = model.drawing;
  const hasErrors = problems.some(
    problem => 'kind' in problem || problem.severity === 'error'
  );
  return problems.length === 0 ? null : (
    <button
      className={`jp-mlws-problems jp-mod-styled jp-mod-${hasErrors ? 'error' : 'warning'}`}
      title={trans.__('Show the problems')}
      onClick={() => model.selection.select([])}
    >
      {trans._n('%1 problem', '%1 problems', problems.length)}
    </button>
  );
}

/** "Running 3/6", "Completed in 4.2 s". */
function StateText({ model }: IViewProps): JSX.Element | null {
  useSignal(model.runs.current.changed);
  const { run, progress } = model.runs.current;
  const isOver = run !== null && FINAL.has(run.status);
  const elapsed = useElapsed(run?.started ?? null, run !== null && !isOver);
  if (!run) {
    return null;
  }
  const word = runStatusLabel(run.status);
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
