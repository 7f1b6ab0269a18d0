import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { MLWSClient } from '../api/client';
import type { ITableRequest, IVariable } from '../api/models';
import { Button, Hint } from '../ui/controls';
import { Failure } from '../ui/errorBox';
import { useRead } from '../ui/useRead';
import { useActive, type ServerView } from '../ui/server';
import { useValue } from '../ui/state';
import { DataTable } from '../ui/table/dataTable';
import { useSignal } from '../ui/useSignal';
import { VisibleView } from '../ui/visibleView';
import { KernelVariable } from './kernelVariable';
import type { NotebookModel } from './model';
import type { OpenNotebooks } from './open';
import { PAGE_ITEMS, VariableTree } from './variableTree';
import { language, trans } from '../ui/locale';

interface IShown {
  notebook: string;
  name: string;
  /** Positions of items: the way to a value in the variable. */
  path: readonly number[];
  title: string;
}

interface IProps extends IShown {
  client: MLWSClient;
  notebooks: OpenNotebooks;
  commands: CommandRegistry;
}

function Variable(props: IProps): JSX.Element {
  const { notebooks, commands, notebook } = props;
  useSignal(notebooks.currentChanged);
  // It stays that of the notebook when the notebook is renamed.
  const panel = useRef(notebooks.find(notebook)?.panel);
  panel.current ??= notebooks.find(notebook)?.panel;
  const path = panel.current?.context.localPath ?? notebook;
  const model = notebooks.find(path)?.model;
  const id = useId(model);
  return model && id !== null ? (
    <Value key={id} {...props} model={model} />
  ) : (
    <div className="jp-mlws-Hint">
      <p>{trans.__('Open %1 to see its variables.', path)}</p>
      <Button
        onClick={() => {
          void commands.execute('docmanager:open', { path });
        }}
      >
        {trans.__('Open Notebook')}
      </Button>
    </div>
  );
}

function useId(model: NotebookModel | undefined): string | null {
  const [id, setId] = useState(model?.id.value ?? null);
  useEffect(() => {
    const update = (): void => setId(model?.id.value ?? null);
    update();
    model?.id.changed.connect(update);
    return () => void model?.id.changed.disconnect(update);
  }, [model]);
  return id;
}

/** Counts the cells that ended; paused while the view is hidden. */
function useVersion(model: NotebookModel, variable: KernelVariable): number {
  const active = useActive();
  const [ended, setEnded] = useState(0);
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const onEvent: Parameters<typeof model.happened.connect>[0] = (
      _,
      event
    ) => {
      const isEnd = event.type === 'execution' && event.status !== 'RUNNING';
      if (isEnd || event.type === 'death') {
        setEnded(count => count + 1);
      }
    };
    model.happened.connect(onEvent);
    return () => void model.happened.disconnect(onEvent);
  }, [model]);
  useEffect(() => {
    if (active && ended !== version) {
      variable.expire();
      setVersion(ended);
    }
  }, [active, ended, version, variable]);
  return version;
}

function Value(props: IProps & { model: NotebookModel }): JSX.Element {
  const { client, model, commands, notebook, name, path, title } = props;
  const variable = useMemo(
    () =>
      new KernelVariable((call, body) =>
        client.post(
          model.address(`/variables/${encodeURIComponent(name)}/${call}`),
          body as ITableRequest
        )
      ),
    [client, model, name]
  );
  useEffect(() => () => variable.dispose(), [variable]);
  const version = useVersion(model, variable);
  const isBusy = useValue(variable.isBusy);
  const hasChanged = useValue(variable.hasChanged);
  const { data: items, error } = useRead(
    () => variable.items(path, 0, PAGE_ITEMS),
    [variable, path, version]
  );
  const status = isBusy
    ? items
      ? trans.__('The kernel is busy. These are older values.')
      : trans.__('The kernel is busy. The value is shown when it is idle.')
    : hasChanged
      ? trans.__('The last cell changed these values.')
      : '';
  return (
    <>
      <header className="jp-mlws-Variable-head">
        <strong>{title}</strong>
        <span>{items?.value.type}</span>
        <span>{items?.value.shape?.join(' × ')}</span>
        <span className="jp-mlws-Variable-status" role="status">
          {status}
        </span>
      </header>
      {error ? (
        <Failure error={error} />
      ) : items?.value.view === 'table' ? (
        <ValueTable
          client={client}
          variable={variable}
          value={items.value}
          path={path}
          version={version}
        />
      ) : items?.value.view === 'tree' ? (
        <VariableTree
          client={client}
          variable={variable}
          first={items}
          path={path}
          version={version}
          onOpen={(position, label) =>
            void commands.execute('mlws:notebook-variable', {
              notebook,
              name,
              path: [...position],
              title: `${title}${label}`
            })
          }
        />
      ) : items ? (
        <p className="jp-mlws-Variable-text">{items.value.preview}</p>
      ) : (
        !isBusy && <Hint>{trans.__('Loading…')}</Hint>
      )}
    </>
  );
}

/** Rows of a value; for an array with more than two axes, those of a selected table. */
function ValueTable(props: {
  client: MLWSClient;
  variable: KernelVariable;
  value: IVariable;
  path: readonly number[];
  version: number;
}): JSX.Element {
  const { variable, value, path, version } = props;
  const leading = (value.shape ?? []).slice(0, -2);
  const [chosen, setChosen] = useState<readonly number[]>([]);
  // An axis may have a new length or meaning.
  const indices = leading.map((size, axis) =>
    Math.min(chosen[axis] ?? 0, Math.max(0, size - 1))
  );
  const key = indices.join();
  const source = useMemo(
    () => variable.table(path, indices),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [variable, path, key]
  );
  return (
    <>
      {leading.length > 0 && (
        <div className="jp-mlws-Variable-axes">
          {leading.map((size, axis) => (
            <label key={axis}>
              {trans.__('Axis %1', axis)}
              <input
                type="number"
                className="jp-mod-styled"
                min={0}
                max={size - 1}
                value={indices[axis]}
                onChange={event => {
                  const index = Math.trunc(event.target.valueAsNumber) || 0;
                  setChosen(
                    indices.map((one, other) =>
                      other === axis ? Math.max(0, index) : one
                    )
                  );
                }}
              />
              {trans.__('of %1', size.toLocaleString(language))}
            </label>
          ))}
        </div>
      )}
      <DataTable
        source={source}
        version={`${version}`}
        truncatedText={trans.__('Only the first columns are shown.')}
      />
    </>
  );
}

/** Shows a variable of a notebook's kernel in the main area. */
export function variableView(
  client: MLWSClient,
  notebooks: OpenNotebooks,
  commands: CommandRegistry,
  args: ReadonlyPartialJSONObject
): ServerView {
  const shown = args as Partial<IShown>;
  const { notebook = '', name = '', path = [], title = name } = shown;
  const props = { client, notebooks, commands, notebook, name, path, title };
  return new VisibleView(client, () => <Variable {...props} />, {
    label: title,
    className: 'jp-mlws-Variable',
    help: 'how-to-variables',
    caption: `${title} – ${notebook}`
  });
}
