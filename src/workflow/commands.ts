import type { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, type WidgetTracker } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Alignment } from './graph/align';
import { copyCommandLine, saveImage, saveScript } from './export/export';
import type { WorkflowWidget } from './widget';
import { NOT_DONE } from './store/run';
import * as gestures from './store/gestures';

export namespace CommandIDs {
  export const run = 'workflow:run';
  export const runAll = 'workflow:run-all';
  export const runTo = 'workflow:run-to';
  export const runFrom = 'workflow:run-from';
  export const runAgain = 'workflow:run-again';
  export const stop = 'workflow:stop';
  export const resume = 'workflow:resume';
  export const retry = 'workflow:retry';
  export const skip = 'workflow:skip';
  export const openFailed = 'workflow:open-failed';
  export const history = 'workflow:history';
  export const undo = 'workflow:undo';
  export const redo = 'workflow:redo';
  export const copy = 'workflow:copy';
  export const cut = 'workflow:cut';
  export const paste = 'workflow:paste';
  export const duplicate = 'workflow:duplicate';
  export const selectAll = 'workflow:select-all';
  export const remove = 'workflow:delete-selection';
  export const rename = 'workflow:rename';
  export const freeze = 'workflow:freeze';
  export const addNode = 'workflow:add-node';
  export const addNote = 'workflow:add-note';
  export const group = 'workflow:group';
  export const connect = 'workflow:connect';
  export const find = 'workflow:find';
  export const tree = 'workflow:tree';
  export const fit = 'workflow:fit';
  export const autoLayout = 'workflow:auto-layout';
  export const align = 'workflow:align';
  export const copyCommand = 'workflow:copy-command';
  export const exportScript = 'workflow:export-script';
  export const exportSvg = 'workflow:export-svg';
  export const exportPng = 'workflow:export-png';
}

/** A command of the canvas that is looked at. */
interface ICommand {
  id: string;
  label: string;
  act: (widget: WorkflowWidget, args: any) => unknown;
  isEnabled?: (widget: WorkflowWidget) => boolean;
  isToggled?: (widget: WorkflowWidget) => boolean;
}

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
  const commands = [
    ...runCommands(trans),
    ...editCommands(trans),
    ...viewCommands(trans)
  ];
  for (const { id, label, act, isEnabled, isToggled } of commands) {
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
      execute: async args => {
        const widget = current();
        if (widget) {
          await act(widget, args);
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

function runCommands(trans: TranslationBundle): ICommand[] {
  const node = (widget: WorkflowWidget): string => nodeOf(widget)!;
  return [
    {
      id: CommandIDs.run,
      label: trans.__('Run Workflow'),
      act: ({ model }) => model.runs.start(),
      isEnabled: canRun
    },
    {
      id: CommandIDs.runAll,
      label: trans.__('Rerun All Nodes'),
      act: ({ model }) => model.runs.start({ force: true }),
      isEnabled: canRun
    },
    {
      id: CommandIDs.runTo,
      label: trans.__('Run to Here'),
      act: widget => widget.model.runs.startTo(node(widget)),
      isEnabled: canRunNode
    },
    {
      id: CommandIDs.runFrom,
      label: trans.__('Run from Here'),
      act: widget => widget.model.runs.startFrom(node(widget)),
      isEnabled: canRunNode
    },
    {
      id: CommandIDs.runAgain,
      label: trans.__('Rerun Node'),
      act: widget => widget.model.runs.startOnly(node(widget)),
      isEnabled: canRunNode
    },
    {
      id: CommandIDs.stop,
      label: trans.__('Stop Run'),
      act: ({ model }) => model.runs.cancel(),
      isEnabled: ({ model }) => model.runs.isRunning
    },
    {
      id: CommandIDs.resume,
      label: trans.__('Resume Run'),
      act: ({ model }) => model.runs.resume(),
      isEnabled: widget =>
        canRun(widget) && NOT_DONE.has(widget.model.runs.current.run?.status)
    },
    {
      id: CommandIDs.retry,
      label: trans.__('Retry Node'),
      act: widget => widget.model.runs.retry(node(widget)),
      isEnabled: hasFailed
    },
    {
      id: CommandIDs.skip,
      label: trans.__('Skip Node'),
      act: widget => widget.model.runs.skip(node(widget)),
      isEnabled: hasFailed
    },
    {
      id: CommandIDs.openFailed,
      label: trans.__('Debug in Notebook'),
      act: widget => widget.content.lab.openFailed(node(widget)),
      isEnabled: hasFailed
    },
    {
      id: CommandIDs.history,
      label: trans.__('Run History'),
      act: ({ content }) => {
        content.hasHistory = !content.hasHistory;
      },
      isToggled: ({ content }) => content.hasHistory
    }
  ];
}

function editCommands(trans: TranslationBundle): ICommand[] {
  return [
    {
      id: CommandIDs.undo,
      label: trans.__('Undo Workflow Change'),
      act: ({ model }) => model.document.undo()
    },
    {
      id: CommandIDs.redo,
      label: trans.__('Redo Workflow Change'),
      act: ({ model }) => model.document.redo()
    },
    {
      id: CommandIDs.copy,
      label: trans.__('Copy Nodes'),
      act: ({ content }) => content.flow?.copy(),
      isEnabled: canCopy
    },
    {
      id: CommandIDs.cut,
      label: trans.__('Cut Nodes'),
      act: ({ content }) => content.flow?.cut(),
      isEnabled: canCopy
    },
    {
      id: CommandIDs.paste,
      label: trans.__('Paste Nodes'),
      act: ({ content }) => content.flow?.paste(),
      isEnabled: ({ model }) => !model.document.error
    },
    {
      id: CommandIDs.duplicate,
      label: trans.__('Duplicate Nodes'),
      act: ({ model }) => gestures.duplicate(model),
      isEnabled: hasNodes
    },
    {
      id: CommandIDs.selectAll,
      label: trans.__('Select All Nodes'),
      act: ({ model }) => model.selection.selectAll()
    },
    {
      id: CommandIDs.remove,
      label: trans.__('Delete Selection'),
      act: ({ model }) => gestures.removeSelected(model)
    },
    {
      id: CommandIDs.rename,
      label: trans.__('Rename Node'),
      act: ({ model }) => model.selection.requestRename(),
      isEnabled: ({ model }) =>
        model.selection.single !== null && !model.document.error
    },
    {
      id: CommandIDs.freeze,
      label: trans.__('Freeze Nodes'),
      act: ({ model }) => gestures.freeze(model, !areFrozen(model)),
      isEnabled: hasNodes,
      isToggled: ({ model }) => areFrozen(model)
    },
    {
      id: CommandIDs.addNode,
      label: trans.__('Add Node…'),
      act: ({ content }) => content.flow?.ask('add'),
      isEnabled: ({ model }) => !model.document.error
    },
    {
      id: CommandIDs.addNote,
      label: trans.__('Add Note'),
      act: ({ content, model }) => {
        if (content.flow) {
          gestures.addNote(model, trans.__('Note'), content.flow.centre());
          model.selection.requestRename();
        }
      },
      isEnabled: ({ model }) => !model.document.error
    },
    {
      id: CommandIDs.group,
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
    {
      id: CommandIDs.connect,
      label: trans.__('Connect Node…'),
      act: ({ content }) => content.flow?.ask('connect'),
      isEnabled: widget =>
        nodeOf(widget) !== null && !widget.model.document.error
    },
    ...(
      [
        ['left', trans.__('Align Left')],
        ['top', trans.__('Align Top')],
        ['horizontal', trans.__('Distribute Horizontally')],
        ['vertical', trans.__('Distribute Vertically')]
      ] as [Alignment, string][]
    ).map(([how, label]) => ({
      id: `${CommandIDs.align}-${how}`,
      label,
      act: ({ model }: WorkflowWidget) => gestures.align(model, how),
      isEnabled: ({ model }: WorkflowWidget) =>
        model.selection.nodes.size > 1 && !model.document.error
    }))
  ];
}

function areFrozen(model: WorkflowWidget['model']): boolean {
  return [...model.selection.nodes].every(
    id => model.drawing.graph.nodes.get(id)?.stage.frozen
  );
}

function viewCommands(trans: TranslationBundle): ICommand[] {
  return [
    {
      id: CommandIDs.find,
      label: trans.__('Find Node…'),
      act: ({ content }) => content.flow?.ask('find')
    },
    {
      id: CommandIDs.tree,
      label: trans.__('Tree View'),
      act: ({ content }) => {
        content.hasTree = !content.hasTree;
      },
      isToggled: ({ content }) => content.hasTree
    },
    {
      id: CommandIDs.fit,
      label: trans.__('Fit to View'),
      act: ({ content }) => content.flow?.fit()
    },
    {
      id: CommandIDs.autoLayout,
      label: trans.__('Auto Layout'),
      act: ({ model }) => model.drawing.arrange()
    },
    {
      id: CommandIDs.copyCommand,
      label: trans.__('Copy Command Line…'),
      act: ({ model }) => copyCommandLine(model, trans)
    },
    {
      id: CommandIDs.exportScript,
      label: trans.__('Export as Python Script'),
      act: ({ model }) => saveScript(model)
    },
    {
      id: CommandIDs.exportSvg,
      label: trans.__('Export as SVG'),
      act: ({ model }) => saveImage(model, 'svg', trans)
    },
    {
      id: CommandIDs.exportPng,
      label: trans.__('Export as PNG'),
      act: ({ model }) => saveImage(model, 'png', trans)
    }
  ];
}
