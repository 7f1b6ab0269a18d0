import { useCallback, useEffect, useId, useState } from 'react';

import { Empty } from '../../ui/controls';
import { trans } from '../../ui/locale';
import {
  fieldText,
  type IParamsUse,
  paramsOf,
  readParams,
  setParam,
  typedValue,
  valuesAt
} from '../document/params';
import type { Value } from '../document/values';
import type { IGraphNode } from '../graph/graph';
import { useFileText } from '../../ui/useFileText';
import { useCanvas } from '../context';
import { useFlush } from '../hooks';

/** The parameters that a stage reads from files such as `params.yaml`, to be changed there. */
export function ParamsView({ node }: { node: IGraphNode }): JSX.Element {
  const { model } = useCanvas();
  const uses = paramsOf(model.document.workflow, node.stage);
  return (
    <>
      {uses.map(use => (
        <ParamsSection key={use.path} use={use} />
      ))}
    </>
  );
}

function ParamsSection({ use }: { use: IParamsUse }): JSX.Element | null {
  const { text, edit, error } = useParamsFile(use.path);
  if (error !== null) {
    return (
      <section aria-label={use.path}>
        <h4>{use.path}</h4>
        <Empty>{error}</Empty>
      </section>
    );
  }
  const file = text === null ? null : readParams(text);
  if (text === null) {
    return null;
  }
  return (
    <section aria-label={trans.__('Parameters in %1', use.path)}>
      <h4>{trans.__('Parameters in %1', use.path)}</h4>
      {file === null ? (
        <Empty>
          {trans.__('The file must contain a mapping of names to values.')}
        </Empty>
      ) : (
        valuesAt(file.values, use.keys).map(([name, value]) => (
          <ParamField
            key={name}
            name={name}
            value={value}
            onChange={next => edit(name, next)}
          />
        ))
      )}
    </section>
  );
}

function ParamField(props: {
  name: string;
  value: Value;
  onChange: (value: Value) => void;
}): JSX.Element {
  const { name, value, onChange } = props;
  const text = fieldText(value);
  const [draft, setDraft] = useState(text);
  const [rejection, setRejection] = useState<string | null>(null);
  const id = useId();
  useEffect(() => setDraft(text), [text]);
  const next = typedValue(draft, value);
  const invalid = next === undefined ? draft : rejection;
  const commit = (): void => {
    if (next === undefined) {
      // The field shows the value that a run reads, and the message the rejected text.
      setRejection(draft);
      setDraft(text);
    } else if (draft !== text) {
      onChange(next);
    }
  };
  useFlush(commit);
  if (typeof value === 'boolean') {
    return (
      <div className="jp-mlws-Field">
        <label htmlFor={id}>
          <input
            id={id}
            type="checkbox"
            data-mlws-param={name}
            checked={value}
            onChange={event => onChange(event.target.checked)}
          />{' '}
          {name}
        </label>
      </div>
    );
  }
  return (
    <div className="jp-mlws-Field">
      <label htmlFor={id}>{name}</label>
      <input
        id={id}
        className="jp-mod-styled"
        data-mlws-param={name}
        value={draft}
        aria-invalid={next === undefined}
        onChange={event => {
          setRejection(null);
          setDraft(event.target.value);
        }}
        onBlur={commit}
        onKeyDown={event =>
          event.key === 'Enter' && !event.nativeEvent.isComposing && commit()
        }
      />
      {invalid !== null && (
        <div className="jp-mlws-Field-error" role="alert">
          {typeof value === 'number'
            ? trans.__('“%1” is not a number', invalid)
            : trans.__(
                '“%1” is not a list. Use a format such as [1, 2].',
                invalid
              )}
        </div>
      )}
    </div>
  );
}

/** The text of a file of the project, followed; and how a value in it is set. */
function useParamsFile(path: string): {
  text: string | null;
  edit: (name: string, value: Value) => void;
  error: string | null;
} {
  const { params } = useCanvas();
  const { text, error } = useFileText(params.open, path);
  const edit = useCallback(
    (name: string, value: Value) => {
      const file = text === null ? null : readParams(text);
      if (file) {
        params.edit(path, setParam(file, name, value));
      }
    },
    [params, path, text]
  );
  return { text, edit, error };
}
