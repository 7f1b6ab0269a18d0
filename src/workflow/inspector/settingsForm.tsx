import { FormComponent } from '@jupyterlab/ui-components';
import type { IChangeEvent } from '@rjsf/core';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { customizeValidator } from '@rjsf/validator-ajv8';
import {
  useCallback,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState
} from 'react';

import { Empty } from '../../ui/controls';
import { HelpLink } from '../../ui/helpLink';
import { trans } from '../../ui/locale';
import { setFileInput } from '../document/nodes';
import {
  changeSettings,
  formSchema,
  formUi,
  freeSchema,
  type Settings,
  settingsOf
} from '../document/settings';
import { hasForeignSettings } from '../document/variables';
import { fits } from '../graph/connections';
import { ANY_INPUT, type IGraphNode, type IGraphPort } from '../graph/graph';
import { codePath } from '../graph/code';
import { CodeSection, type ICodeTarget } from './codeSection';
import { ColumnsField, ColumnWidget, useColumns } from './columnFields';
import { CommandSettings } from './commandForm';
import { LearnChecks, PreviewQuery, ShowPreparation } from './dataButtons';
import { RemoveButton } from './removeButton';
import { useCanvas } from '../context';
import { useDrawing, useFlush } from '../hooks';
import { EnvironmentField } from './environmentField';
import { ExpressionWidget } from './expressionField';
import { PairsField, RulesField } from './ruleFields';
import { NameField, TitleField } from './nameField';
import { OutputFields } from './outputFields';
import { NodeActions } from './nodeActions';
import { SourceColumns, useSourceTable } from './sourceColumns';
import { ParamsView } from './paramsForm';
import { SweepForm } from './sweepForm';
import { SweepView } from './sweepView';
import { TEMPLATES } from './templates';
import { helpPage, kindText } from '../labels';
import { settingErrorText } from './settingErrors';
import * as gestures from '../store/gestures';

const validator = customizeValidator<ReadonlyJSONObject>();

const WIDGETS = { column: ColumnWidget, expression: ExpressionWidget };
const FIELDS = { columns: ColumnsField, pairs: PairsField, rules: RulesField };

/** Delay of the write after the last edit, in milliseconds. */
const WRITE_DELAY = 400;

/** Everything of a node that can be set: the files it reads and its component's settings. */
export function SettingsView(props: {
  node: string;
  target: ICodeTarget | null;
}): JSX.Element {
  const { node: id, target } = props;
  const { model } = useCanvas();
  const node = useDrawing().graph.nodes.get(id);
  if (!node) {
    return <Empty>{trans.__('This node no longer exists.')}</Empty>;
  }
  const path = codePath(node);
  const kind = node.component?.title ?? kindText(node.kind);
  const page = helpPage(node);
  return (
    <div className="jp-mlws-Settings">
      <NodeActions node={id} />
      <NameField key={id} node={id} />
      {node.stage.isEditable && <TitleField key={`title ${id}`} node={node} />}
      <p className="jp-mlws-Settings-kind">
        {kind}
        {page && <HelpLink page={page} subject={kind} />}
      </p>
      {node.component?.description && <p>{node.component.description}</p>}
      {node.kind === 'sweep' && <SweepView node={node} />}
      {path !== null && (
        <CodeSection key={path} node={node} path={path} target={target} />
      )}
      <SweepForm key={`sweep ${id}`} node={node} />
      {node.component ? (
        <ComponentSettings node={node} />
      ) : node.componentName && model.catalog.library === null ? (
        <Empty>{trans.__('Loading…')}</Empty>
      ) : (
        <>
          <NotebookSettings node={node} />
          <CommandSettings node={node} />
        </>
      )}
      <ParamsView node={node} />
    </div>
  );
}

function ComponentSettings({ node }: { node: IGraphNode }): JSX.Element {
  const inputs = node.inputs.filter(port => port.name !== ANY_INPUT);
  if (!node.stage.isEditable) {
    return <CommandSettings node={node} />;
  }
  const settings = Object.values(node.settings?.properties ?? {});
  const isChecked = settings.some(one => one['x-rules']);
  return (
    <>
      {inputs.length > 0 && (
        <section aria-label={trans.__('Inputs')}>
          <h4>{trans.__('Inputs')}</h4>
          {inputs.map(port => (
            <InputField key={port.name} node={node} port={port} />
          ))}
        </section>
      )}
      {isChecked && <LearnChecks node={node} />}
      {node.prepares && <ShowPreparation node={node} />}
      <SettingsSection node={node} title={trans.__('Settings')} />
      {node.componentName === 'load_sql' && (
        <PreviewQuery key={node.id} node={node} />
      )}
      <OutputFields node={node} />
      <EnvironmentField node={node} />
    </>
  );
}

/** Settings of a notebook: the assignments of its cell tagged `parameters`. */
function NotebookSettings({ node }: { node: IGraphNode }): JSX.Element | null {
  const { model } = useCanvas();
  const path = node.stage.notebook;
  const error = path === null ? null : model.catalog.notebooks.get(path)?.error;
  return error ? (
    <p className="jp-mlws-Field-error" role="alert">
      {trans.__('Could not read %1: %2', path, error)}
    </p>
  ) : (
    <SettingsSection node={node} title={trans.__('Parameters')} />
  );
}

function SettingsSection(props: {
  node: IGraphNode;
  title: string;
}): JSX.Element | null {
  const { model } = useCanvas();
  const { node, title } = props;
  const names = Object.keys(freeSchema(node).properties ?? {});
  return names.length === 0 || !node.stage.isEditable ? null : (
    <section aria-label={title}>
      <h4>{title}</h4>
      {hasForeignSettings(model.document.workflow, node.stage) ? (
        <Empty>{trans.__('These settings are defined in another file.')}</Empty>
      ) : (
        // A new set of settings needs a new form: an existing form would fill in its defaults.
        <SettingsForm key={[node.id, ...names].join(' ')} node={node} />
      )}
    </section>
  );
}

/** An input: the connections that it has, or the path of a file. */
function InputField({
  node,
  port
}: {
  node: IGraphNode;
  port: IGraphPort;
}): JSX.Element {
  const { model } = useCanvas();
  const edges = model.drawing.graph.edges.filter(
    edge => edge.target === node.id && edge.targetPort === port.name
  );
  const paths = new Set(edges.map(edge => edge.path));
  const file = port.paths.find(path => !paths.has(path)) ?? '';
  const id = useId();
  return (
    <div className="jp-mlws-Field">
      <label htmlFor={id}>
        {port.name} <span className="jp-mlws-Field-type">{port.type}</span>
        {port.required && <span title={trans.__('Required')}> *</span>}
      </label>
      {edges.map(edge => (
        <div key={edge.id} className="jp-mlws-Field-item">
          <span className="jp-mlws-Field-link" title={edge.path}>
            ← {edge.source}.{edge.sourcePort}
          </span>
          <RemoveButton
            label={trans.__('Disconnect %1', edge.source)}
            onClick={() => gestures.disconnect(model, edge)}
          />
        </div>
      ))}
      {(edges.length === 0 || file !== '') && (
        <PathField id={id} node={node} port={port} value={file} />
      )}
      {port.description && (
        <div className="jp-mlws-Field-help">{port.description}</div>
      )}
    </div>
  );
}

/** Path of a file; the path of a node's output creates a connection. */
function PathField(props: {
  id: string;
  node: IGraphNode;
  port: IGraphPort;
  value: string;
}): JSX.Element {
  const { model } = useCanvas();
  const { id, node, port, value } = props;
  const [draft, setDraft] = useState(value);
  const latest = useRef(draft);
  latest.current = draft;
  useEffect(() => setDraft(value), [value]);
  const commit = useCallback(() => {
    const path = latest.current.trim();
    if (path !== value) {
      model.document.edit(setFileInput(node.id, port.name, path));
    }
  }, [model, node.id, port.name, value]);
  useFlush(commit);
  const offers = [...model.drawing.graph.nodes.values()]
    .filter(other => other.id !== node.id)
    .flatMap(other => other.outputs.filter(out => fits(out.type, port.type)))
    .flatMap(out => out.paths);
  return (
    <>
      <input
        id={id}
        className="jp-mod-styled"
        data-mlws-input={port.name}
        type="text"
        list={`${id}-offers`}
        value={draft}
        placeholder={trans.__('Path relative to the project folder')}
        onChange={event => setDraft(event.target.value)}
        onBlur={commit}
        onKeyDown={event => event.key === 'Enter' && commit()}
      />
      <datalist id={`${id}-offers`}>
        {offers.map(path => (
          <option key={path} value={path} />
        ))}
      </datalist>
    </>
  );
}

function SettingsForm({ node }: { node: IGraphNode }): JSX.Element {
  const { model } = useCanvas();
  const settings = settingsOf(node, model.document.workflow);
  const settingsText = JSON.stringify(settings);
  const [draft, setDraft] = useState<Settings>(settings);
  const pending = useRef<Settings | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>();

  const commit = useCallback(() => {
    clearTimeout(timer.current);
    const next = pending.current;
    const now = model.drawing.graph.nodes.get(node.id);
    pending.current = null;
    if (next && now) {
      const before = settingsOf(now, model.document.workflow);
      model.document.edit(changeSettings(now, before, next));
    }
  }, [model, node.id]);
  useFlush(commit);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (!pending.current) {
      setDraft(JSON.parse(settingsText));
    }
  }, [settingsText]);

  const change = (next: Settings): void => {
    pending.current = next;
    setDraft(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(commit, WRITE_DELAY);
  };
  // Several canvases may be open, and ids have to be unique in the page.
  const root = useId();
  const columns = useColumns(node);
  const table = useSourceTable(node, columns);
  const { problems } = useDrawing();
  const own = problems.filter(one => 'field' in one && one.node === node.id);
  const page = node.component?.source === 'library' ? helpPage(node) : null;
  const context = {
    root,
    node: node.id,
    columns,
    hasTable: table !== null && table.reason === null,
    draft,
    page,
    problems: own
  };
  const schema = useMemo(() => formSchema(freeSchema(node)), [node]);
  return (
    <>
      {table && (
        <SourceColumns
          node={node}
          table={table}
          settings={draft}
          onChange={change}
        />
      )}
      <FormComponent
        schema={schema}
        uiSchema={formUi(schema, draft)}
        formData={draft}
        formContext={context}
        validator={validator}
        templates={TEMPLATES}
        widgets={WIDGETS}
        fields={FIELDS}
        idPrefix={root}
        liveValidate
        omitExtraData
        liveOmit
        showErrorList={false}
        transformErrors={errors =>
          errors.map(error => ({
            ...error,
            message: settingErrorText(error, schema)
          }))
        }
        noHtml5Validate
        onChange={(event: IChangeEvent) => change(event.formData)}
      />
    </>
  );
}
