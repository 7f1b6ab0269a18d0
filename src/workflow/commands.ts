import type { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, type WidgetTracker } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Alignment } from './graph/align';
import { copyCommandLine, saveImage, saveScript } from './export/export';
import type { WorkflowWidget } from './widget';
import { NOT_DONE } from './store/run';
import * as gestures from './store/gestures';

/** A command of the canvas that is looked at. */
interface ICommand {
  label: string;
  act: (widget: WorkflowWidget) => unknown;
  isEnabled?: (widget: WorkflowWidget) => boolean;
  isToggled?: (widget: WorkflowWidget) => boolean;
}

/** By their ids. */
type Commands = Record<string, ICommand>;

/** Adds what can be done to the canvas that is looked at. */
export function addCanvasCommands(
  app: JupyterFrontEnd,
  tracker: WidgetTracker<WorkflowWidget>,
  trans: TranslationBundle
): void {
  const current = (): WorkflowWidget | null =>
    tracker.currentWidget && tracker.currentWidget === app.shell.currentWidget
      ? tracker.currentWidget
      : null;
  const commands = {
    ...runCommands(trans),
    ...editCommands(trans),
    ...viewCommands(trans)
  };
  for (const [id, command] of Object.entries(commands)) {
    const { label, act, isEnabled, isToggled } = command;
    app.commands.addCommand(id, {
      label,
      isEnabled: () => {
        const widget = current();
        return widget !== null && (isEnabled?.(widget) ?? true);
      },
      isToggled:
        isToggled &&
        (() => {
          const widget = current();
          return widget !== null && isToggled(widget);
        }),
      execute: async () => {
        const widget = current();
        if (widget) {
          await act(widget);
          // A menu takes the focus, and leaves it to no one.
          if (document.activeElement === document.body) {
            widget.content.focus();
          }
        }
      }
    });
  }
}

/** The one selected node, if it is a node of the graph. */
function nodeOf({ model }: WorkflowWidget): string | null {
  return model.selection.singleNode;
}

function canRun({ model }: WorkflowWidget): boolean {
  return model.runs.canRun;
}

function canRunNode(widget: WorkflowWidget): boolean {
  return canRun(widget) && nodeOf(widget) !== null;
}

function hasFailed(widget: WorkflowWidget): boolean {
  const node = nodeOf(widget);
  const status = node && widget.model.runs.current.nodes.get(node)?.status;
  return canRun(widget) && NOT_DONE.has(status ?? undefined);
}

function canCopy({ model }: WorkflowWidget): boolean {
  return model.selection.copyable.size > 0 && !model.document.error;
}

function hasNodes({ model }: WorkflowWidget): boolean {
  return model.selection.nodes.size > 0 && !model.document.error;
}

function runCommands(trans: TranslationBundle): Commands {
  const node = (widget: WorkflowWidget): string => nodeOf(widget)!;
  return {
    'workflow:run': {
      label: trans.__('Run Workflow'),
      act: ({ model }) => model.runs.start(),
      isEnabled: canRun
    },
    'workflow:run-all': {
      label: trans.__('Rerun All Nodes'),
      act: ({ model }) => model.runs.start({ force: true }),
      isEnabled: canRun
    },
    'workflow:run-to': {
      label: trans.__('Run to Here'),
      act: widget => widget.model.runs.startTo(node(widget)),
      isEnabled: canRunNode
    },
    'workflow:run-from': {
      label: trans.__('Run from Here'),
      act: widget => widget.model.runs.startFrom(node(widget)),
      isEnabled: canRunNode
    },
    'workflow:run-again': {
      label: trans.__('Rerun Node'),
      act: widget => widget.model.runs.startOnly(node(widget)),
      isEnabled: canRunNode
    },
    'workflow:stop': {
      label: trans.__('Stop Run'),
      act: ({ model }) => model.runs.cancel(),
      isEnabled: ({ model }) => model.runs.isRunning
    },
    'workflow:resume': {
      label: trans.__('Resume Run'),
      act: ({ model }) => model.runs.resume(),
      isEnabled: widget =>
        canRun(widget) && NOT_DONE.has(widget.model.runs.current.run?.status)
    },
    'workflow:retry': {
      label: trans.__('Retry Node'),
      act: widget => widget.model.runs.retry(node(widget)),
      isEnabled: hasFailed
    },
    'workflow:skip': {
      label: trans.__('Skip Node'),
      act: widget => widget.model.runs.skip(node(widget)),
      isEnabled: hasFailed
    },
    'workflow:open-failed': {
      label: trans.__('Debug in Notebook'),
      act: widget => widget.content.lab.openFailed(node(widget)),
      isEnabled: hasFailed
    },
    'workflow:history': {
      label: trans.__('Run History'),
      act: ({ content }) => {
        content.hasHistory = !content.hasHistory;
      },
      isToggled: ({ content }) => content.hasHistory
    }
  };
}

function editCommands(trans: TranslationBundle): Commands {
  return {
    'workflow:undo': {
      label: trans.__('Undo Workflow Change'),
      act: ({ model }) => model.document.undo()
    },
    'workflow:redo': {
      label: trans.__('Redo Workflow Change'),
      act: ({ model }) => model.document.redo()
    },
    'workflow:copy': {
      label: trans.__('Copy Nodes'),
      act: ({ content }) => content.flow?.copy(),
      isEnabled: canCopy
    },
    'workflow:cut': {
      label: trans.__('Cut Nodes'),
      act: ({ content }) => content.flow?.cut(),
      isEnabled: canCopy
    },
    'workflow:paste': {
      label: trans.__('Paste Nodes'),
      act: ({ content }) => content.flow?.paste(),
      isEnabled: ({ model }) => !model.document.error
    },
    'workflow:duplicate': {
      label: trans.__('Duplicate Nodes'),
      act: ({ model }) => gestures.duplicate(model),
      isEnabled: hasNodes
    },
    'workflow:select-all': {
      label: trans.__('Select All Nodes'),
      act: ({ model }) => model.selection.selectAll()
    },
    'workflow:delete-selection': {
      label: trans.__('Delete Selection'),
      act: ({ model }) => gestures.removeSelected(model)
    },
    'workflow:rename': {
      label: trans.__('Rename Node'),
      act: ({ model }) => model.selection.requestRename(),
      isEnabled: ({ model }) =>
        model.selection.single !== null && !model.document.error
    },
    'workflow:freeze': {
      label: trans.__('Freeze Nodes'),
      act: ({ model }) => gestures.freeze(model, !areFrozen(model)),
      isEnabled: hasNodes,
      isToggled: ({ model }) => areFrozen(model)
    },
    'workflow:add-node': {
      label: trans.__('Add Node…'),
      act: ({ content }) => content.flow?.ask('add'),
      isEnabled: ({ model }) => !model.document.error
    },
    'workflow:add-note': {
      label: trans.__('Add Note'),
      act: ({ content, model }) => {
        if (content.flow) {
          gestures.addNote(model, trans.__('Note'), content.flow.centre());
          model.selection.requestRename();
        }
      },
      isEnabled: ({ model }) => !model.document.error
    },
    'workflow:group': {
      label: trans.__('Group in Frame…'),
      act: async ({ model }) => {
        const answer = await InputDialog.getText({
          title: trans.__('New Frame'),
          label: trans.__('Title'),
          okLabel: trans.__('Create')
        });
        if (answer.button.accept) {
          gestures.group(model, answer.value?.trim() ?? '');
        }
      },
      isEnabled: hasNodes
    },
    'workflow:connect': {
      label: trans.__('Connect Node…'),
      act: ({ content }) => content.flow?.ask('connect'),
      isEnabled: widget =>
        nodeOf(widget) !== null && !widget.model.document.error
    },
    'workflow:align-left': align('left', trans.__('Align Left')),
    'workflow:align-top': align('top', trans.__('Align Top')),
    'workflow:align-horizontal': align(
      'horizontal',
      trans.__('Distribute Horizontally')
    ),
    'workflow:align-vertical': align(
      'vertical',
      trans.__('Distribute Vertically')
    )
  };
}

function align(how: Alignment, label: string): ICommand {
  return {
    label,
    act: ({ model }) => gestures.align(model, how),
    isEnabled: ({ model }) =>
      model.selection.nodes.size > 1 && !model.document.error
  };
}

function areFrozen(model: WorkflowWidget['model']): boolean {
  return [...model.selection.nodes].every(
    id => model.drawing.graph.nodes.get(id)?.stage.frozen
  );
}

function viewCommands(trans: TranslationBundle): Commands {
  return {
    'workflow:find': {
      label: trans.__('Find Node…'),
      act: ({ content }) => content.flow?.ask('find')
    },
    'workflow:tree': {
      label: trans.__('Tree View'),
      act: ({ content }) => {
        content.hasTree = !content.hasTree;
      },
      isToggled: ({ content }) => content.hasTree
    },
    'workflow:palette': {
      label: trans.__('Show Palette'),
      act: ({ content }) => {
        const { preferences } = content.lab;
        return preferences.set('showPalette', !preferences.values.showPalette);
      },
      isToggled: ({ content }) => content.lab.preferences.values.showPalette
    },
    'workflow:fit': {
      label: trans.__('Fit to View'),
      act: ({ content }) => content.flow?.fit()
    },
    'workflow:auto-layout': {
      label: trans.__('Auto Layout'),
      act: ({ model }) => model.drawing.arrange()
    },
    'workflow:copy-command': {
      label: trans.__('Copy Command Line…'),
      act: ({ model }) => copyCommandLine(model, trans)
    },
    'workflow:export-script': {
      label: trans.__('Export as Python Script'),
      act: ({ model }) => saveScript(model)
    },
    'workflow:export-svg': {
      label: trans.__('Export as SVG'),
      act: ({ model }) => saveImage(model, 'svg', trans)
    },
    'workflow:export-png': {
      label: trans.__('Export as PNG'),
      act: ({ model }) => saveImage(model, 'png', trans)
    }
  };
}
