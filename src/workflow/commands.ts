import type { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, type WidgetTracker } from '@jupyterlab/apputils';
import { flushSync } from 'react-dom';

import type { Editor } from './editor';
import type { Alignment } from './graph/align';
import type { CanvasWidget, WorkflowWidget } from './widget';
import { canShowPreparation, showPreparation } from './store/preparation';
import { INCOMPLETE } from './store/run';
import { addCommand } from '../lab/describeArgs';
import { trans } from '../ui/locale';

/** A command of the canvas that is looked at. */
interface ICommand {
  label: string;
  act: (editor: Editor, canvas: CanvasWidget) => unknown;
  isEnabled?: (editor: Editor) => boolean;
  /** Menus have it only then. */
  isVisible?: (editor: Editor) => boolean;
  isToggled?: (editor: Editor, canvas: CanvasWidget) => boolean;
}

/** By their ids. */
type Commands = Record<string, ICommand>;

/** Adds the commands of the current canvas. */
export function addCanvasCommands(
  app: JupyterFrontEnd,
  tracker: WidgetTracker<WorkflowWidget>
): void {
  const current = (): WorkflowWidget | null =>
    tracker.currentWidget && tracker.currentWidget === app.shell.currentWidget
      ? tracker.currentWidget
      : null;
  const commands = {
    ...runCommands(),
    ...editCommands(),
    ...viewCommands()
  };
  for (const [id, command] of Object.entries(commands)) {
    const { label, act, isEnabled, isToggled, isVisible } = command;
    addCommand(app.commands, id, {
      label,
      isEnabled: () => {
        const editor = current()?.editor;
        return !!editor && (isEnabled?.(editor) ?? true);
      },
      isVisible:
        isVisible &&
        (() => {
          const editor = current()?.editor;
          return !!editor && isVisible(editor);
        }),
      isToggled:
        isToggled &&
        (() => {
          const widget = current();
          return !!widget?.editor && isToggled(widget.editor, widget.content);
        }),
      execute: async () => {
        const widget = current();
        if (widget?.editor) {
          // Drawn at once: the next key belongs to the field that a command opens.
          await flushSync(() => act(widget.editor!, widget.content));
          // Closing a menu leaves the focus on the body.
          if (document.activeElement === document.body) {
            widget.content.focus();
          }
        }
      }
    });
  }
}

/** The only selected node, if it is a node of the graph. */
function nodeOf({ model }: Editor): string | null {
  return model.selection.singleNode;
}

function canRun({ model }: Editor): boolean {
  return model.runs.canRun;
}

function canRunNodes(editor: Editor): boolean {
  return canRun(editor) && editor.model.selection.nodes.size > 0;
}

function frameOf({ gestures, model }: Editor): number | null {
  return model.document.error ? null : gestures.selectedFrame(model);
}

function hasFailed(editor: Editor): boolean {
  const node = nodeOf(editor);
  const status = node && editor.model.runs.current.nodes.get(node)?.status;
  return canRun(editor) && INCOMPLETE.has(status ?? undefined);
}

function canCopy({ model }: Editor): boolean {
  return model.selection.copyable.size > 0 && !model.document.error;
}

function hasNodes({ model }: Editor): boolean {
  return model.selection.nodes.size > 0 && !model.document.error;
}

function runCommands(): Commands {
  const node = (editor: Editor): string => nodeOf(editor)!;
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
      act: ({ model }) => model.runs.startTo(model.selection.nodes),
      isEnabled: canRunNodes
    },
    'workflow:run-from': {
      label: trans.__('Run from Here'),
      act: ({ model }) => model.runs.startFrom(model.selection.nodes),
      isEnabled: canRunNodes
    },
    'workflow:run-again': {
      label: trans.__('Rerun Node'),
      act: ({ model }) => model.runs.startOnly(model.selection.nodes),
      isEnabled: canRunNodes
    },
    'workflow:stop': {
      label: trans.__('Stop Run'),
      act: ({ model }) => model.runs.cancel(),
      isEnabled: ({ model }) => model.runs.isRunning
    },
    'workflow:resume': {
      label: trans.__('Resume Run'),
      act: ({ model }) => model.runs.resume(),
      isEnabled: editor =>
        canRun(editor) && INCOMPLETE.has(editor.model.runs.current.run?.status)
    },
    'workflow:retry': {
      label: trans.__('Retry Node'),
      act: editor => editor.model.runs.retry(node(editor)),
      isEnabled: hasFailed
    },
    'workflow:skip': {
      label: trans.__('Skip Node'),
      act: editor => editor.model.runs.skip(node(editor)),
      isEnabled: hasFailed
    },
    'workflow:open-failed': {
      label: trans.__('Debug in Notebook'),
      act: editor =>
        editor.lab.openFailed(editor.model.runs.current.run!.id, node(editor)),
      isEnabled: hasFailed
    },
    'workflow:history': {
      label: trans.__('Run History'),
      act: (_, canvas) => {
        canvas.hasHistory = !canvas.hasHistory;
      },
      isToggled: (_, canvas) => canvas.hasHistory
    }
  };
}

function editCommands(): Commands {
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
      act: (_, canvas) => canvas.flow?.copy(),
      isEnabled: canCopy
    },
    'workflow:cut': {
      label: trans.__('Cut Nodes'),
      act: (_, canvas) => canvas.flow?.cut(),
      isEnabled: canCopy
    },
    'workflow:paste': {
      label: trans.__('Paste Nodes'),
      act: (_, canvas) => canvas.flow?.paste(),
      isEnabled: ({ model }) => !model.document.error
    },
    'workflow:duplicate': {
      label: trans.__('Duplicate Nodes'),
      act: (_, canvas) => canvas.flow?.duplicate(),
      isEnabled: hasNodes
    },
    'workflow:select-all': {
      label: trans.__('Select All Nodes'),
      act: ({ model }) => model.selection.selectAll()
    },
    'workflow:delete-selection': {
      label: trans.__('Delete Selection'),
      act: ({ gestures, model }) => gestures.removeSelected(model)
    },
    'workflow:rename': {
      label: trans.__('Rename Node'),
      act: ({ model }) => model.selection.requestRename(),
      isEnabled: ({ model }) =>
        model.selection.single !== null && !model.document.error
    },
    'workflow:freeze': {
      label: trans.__('Freeze Nodes'),
      act: ({ gestures, model }) => gestures.freeze(model, !areFrozen(model)),
      isEnabled: hasNodes,
      isToggled: ({ model }) => areFrozen(model)
    },
    'workflow:show-preparation': {
      label: trans.__('Show Preparation as Node'),
      act: editor => showPreparation(editor.model, nodeOf(editor)!),
      isEnabled: ({ model }) =>
        canShowPreparation(model, model.selection.singleNode ?? ''),
      isVisible: ({ model }) =>
        !!model.drawing.graph.nodes.get(model.selection.singleNode ?? '')
          ?.prepares
    },
    'workflow:add-node': {
      label: trans.__('Add Node…'),
      act: (_, canvas) => canvas.flow?.ask('add'),
      isEnabled: ({ model }) => !model.document.error
    },
    'workflow:add-note': {
      label: trans.__('Add Note'),
      act: ({ gestures, model }, { flow }) => {
        if (flow) {
          gestures.addNote(model, trans.__('Note'), flow.centre());
          model.selection.requestRename();
        }
      },
      isEnabled: ({ model }) => !model.document.error
    },
    'workflow:collapse': {
      label: trans.__('Collapse Frame'),
      act: ({ gestures, model }) => gestures.toggleCollapsed(model),
      isEnabled: editor => frameOf(editor) !== null,
      isToggled: editor =>
        editor.model.drawing.frames[frameOf(editor) ?? -1]?.isCollapsed ?? false
    },
    'workflow:group': {
      label: trans.__('Group in Frame…'),
      act: async ({ gestures, model }) => {
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
      act: (_, canvas) => canvas.flow?.ask('connect'),
      isEnabled: editor =>
        nodeOf(editor) !== null && !editor.model.document.error
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
    act: ({ gestures, model }) => gestures.align(model, how),
    isEnabled: ({ model }) =>
      model.selection.nodes.size > 1 && !model.document.error
  };
}

function areFrozen(model: Editor['model']): boolean {
  return [...model.selection.nodes].every(
    id => model.drawing.graph.nodes.get(id)?.stage.frozen
  );
}

function viewCommands(): Commands {
  return {
    'workflow:find': {
      label: trans.__('Find Node…'),
      act: (_, canvas) => canvas.flow?.ask('find')
    },
    'workflow:tree': {
      label: trans.__('Tree View'),
      act: (_, canvas) => {
        canvas.hasTree = !canvas.hasTree;
      },
      isToggled: (_, canvas) => canvas.hasTree
    },
    'workflow:next-pane': {
      label: trans.__('Go to Next Pane'),
      act: (editor, canvas) => editor.focusNextPane(canvas.node)
    },
    'workflow:palette': {
      label: trans.__('Show Palette'),
      act: ({ lab }) => {
        const { preferences } = lab;
        return preferences.set('showPalette', !preferences.values.showPalette);
      },
      isToggled: ({ lab }) => lab.preferences.values.showPalette
    },
    'workflow:fit': {
      label: trans.__('Fit to View'),
      act: (_, canvas) => canvas.flow?.fit()
    },
    'workflow:auto-layout': {
      label: trans.__('Auto Layout'),
      act: ({ model }) => model.drawing.arrange()
    },
    'workflow:copy-command': {
      label: trans.__('Copy Command Line…'),
      act: ({ exports, model }) => exports.copyCommandLine(model)
    },
    'workflow:export-script': {
      label: trans.__('Export as Python Script'),
      act: ({ exports, model }) => exports.saveScript(model)
    },
    'workflow:export-svg': {
      label: trans.__('Export as SVG'),
      act: ({ exports, model }) => exports.saveImage(model, 'svg')
    },
    'workflow:export-png': {
      label: trans.__('Export as PNG'),
      act: ({ exports, model }) => exports.saveImage(model, 'png')
    }
  };
}
