import { useEffect, useRef, useState } from 'react';

import type { ICodePorts, ICodeProblem } from '../../api/models';
import { Button } from '../../ui/controls';
import { listText } from '../../ui/format';
import { trans } from '../../ui/locale';
import { compose } from '../document/edits';
import { changePorts } from '../document/ports';
import { editBetween } from '../document/textEdits';
import { withPorts } from '../graph/code';
import type { IGraphNode } from '../graph/graph';
import { type ICodeEditor, useCanvas } from '../context';
import { useDrawing, useFlush } from '../hooks';
import { asOneStep, writeEdits } from '../store/undo';
import { PortsForm } from './portsForm';

/** Delay of the check after the last edit, in milliseconds. */
const CHECK_DELAY = 400;

/** Line of the code to reveal; a new object is a new request. */
export interface ICodeTarget {
  line: number;
}

/** The code of a component of the project, edited in place, and its ports. */
export function CodeSection(props: {
  node: IGraphNode;
  path: string;
  target: ICodeTarget | null;
}): JSX.Element {
  const { model, code, openFile } = useCanvas();
  const { graph } = useDrawing();
  const { node, path, target } = props;
  const name = node.componentName ?? '';
  const host = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<ICodeEditor | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [problem, setProblem] = useState<ICodeProblem | null>(null);
  const [isChanging, setChanging] = useState(false);
  const label = trans.__('Code of %1', node.id);

  useEffect(() => {
    let isStale = false;
    let own: ICodeEditor | null = null;
    code.createEditor(path, host.current!).then(
      created => {
        if (isStale) {
          created.editor.dispose();
          return;
        }
        own = created;
        host.current
          ?.querySelector('.cm-content')
          ?.setAttribute('aria-label', label);
        setOpen(created);
      },
      reason => !isStale && setError(String(reason.message ?? reason))
    );
    return () => {
      isStale = true;
      own?.editor.dispose();
    };
  }, [code, path, label]);

  useEffect(() => {
    if (!open) {
      return;
    }
    const { sharedModel } = open;
    let timer: ReturnType<typeof setTimeout>;
    let isStale = false;
    const check = (): void =>
      void model.server.ask(
        service => service.code.edit(name, sharedModel.getSource()),
        reply => !isStale && setProblem(reply.problem)
      );
    const onChange = (): void => {
      clearTimeout(timer);
      timer = setTimeout(check, CHECK_DELAY);
    };
    sharedModel.changed.connect(onChange);
    check();
    return () => {
      isStale = true;
      clearTimeout(timer);
      sharedModel.changed.disconnect(onChange);
    };
  }, [model, open, name]);

  const goTo = (line: number, column = 1): void => {
    if (open) {
      const { editor } = open;
      const position = { line: line - 1, column: Math.max(0, column - 1) };
      editor.setCursorPosition(position);
      editor.revealPosition(position);
      editor.focus();
    }
  };
  useEffect(() => {
    if (target) {
      host.current?.scrollIntoView({ block: 'center' });
      goTo(target.line);
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [target, open]);

  const save = (): void => void code.save(path);
  useFlush(save);

  const others = [...graph.nodes.values()].filter(
    other => other.componentName === name && other.id !== node.id
  );
  const { component } = node;
  const isBusy = useRef(false);
  const change = async (ports: ICodePorts): Promise<void> => {
    const { service } = model.server;
    if (!service || !open || !component || isBusy.current) {
      return;
    }
    isBusy.current = true;
    setChanging(true);
    try {
      const { sharedModel } = open;
      let text;
      let reply;
      do {
        text = sharedModel.getSource();
        reply = await service.code.edit(name, text, ports);
        // The text may have changed during the request.
      } while (text !== sharedModel.getSource());
      setProblem(reply.problem);
      const edit = reply.problem ? null : editBetween(text, reply.text);
      if (edit) {
        const users = [node, ...others].filter(one => one.stage.isEditable);
        const before = component;
        const isJoined = model.document.edit(
          compose(
            ...users.map(one => changePorts(one.id, { before, after: ports }))
          )
        );
        asOneStep(sharedModel, () => writeEdits(sharedModel, [edit]));
        if (isJoined) {
          model.document.history.join();
        }
        const changed = withPorts(component, ports);
        model.catalog.add(changed);
        await code.save(path);
        // Once more: the components may have been read from the file before it was saved.
        model.catalog.add(changed);
      }
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
    } finally {
      isBusy.current = false;
      setChanging(false);
    }
  };

  return (
    <section className="jp-mlws-Code" aria-label={trans.__('Code')}>
      <h4>{trans.__('Code')}</h4>
      {others.length > 0 && (
        <p className="jp-mlws-Banner jp-mod-info" role="note">
          {trans.__(
            'This code is shared: a change also applies to %1.',
            listText(others.map(other => other.title))
          )}
        </p>
      )}
      <div
        ref={host}
        className="jp-mlws-Code-editor"
        onBlur={event => {
          if (!event.currentTarget.contains(event.relatedTarget)) {
            save();
          }
        }}
      />
      {error !== null && (
        <p className="jp-mlws-Field-error" role="alert">
          {error}
        </p>
      )}
      <div role="status">
        {problem && (
          <p className="jp-mlws-Field-error">
            {problem.line === null ? (
              problem.message
            ) : (
              <button
                className="jp-mlws-Code-problem"
                onClick={() => goTo(problem.line!, problem.column ?? 1)}
              >
                {trans.__('Line %1: %2', problem.line, problem.message)}
              </button>
            )}
          </p>
        )}
      </div>
      <p className="jp-mlws-Field-help">
        {trans.__('Press Escape and then Tab to leave the editor.')}
      </p>
      <Button title={path} onClick={() => openFile(path)}>
        {trans.__('Open File')}
      </Button>
      {component && component.error === null && (
        <PortsForm
          component={component}
          isDisabled={problem !== null || isChanging || open === null}
          onChange={ports => void change(ports)}
        />
      )}
    </section>
  );
}
