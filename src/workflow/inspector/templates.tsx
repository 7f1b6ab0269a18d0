import type {
  ArrayFieldTemplateProps,
  FieldTemplateProps,
  ObjectFieldTemplateProps
} from '@rjsf/utils';

import type { IProblem } from '../../api/models';
import { Button } from '../../ui/controls';
import { HelpLink } from '../../ui/helpLink';
import { trans } from '../../ui/locale';
import type { ISchema } from '../document/schema';
import { RemoveButton } from './removeButton';
import { Repairs } from './repairs';
import { choiceText } from '../labels';

/** Field with an associated label, which JupyterLab's template lacks. */
function Field(props: FieldTemplateProps): JSX.Element {
  const { id, label, schema, children, rawErrors, hidden, required } = props;
  const name = id.slice((props.formContext?.root ?? '').length + 1);
  const problems: IProblem[] = (props.formContext?.problems ?? []).filter(
    (one: IProblem) => one.field === name
  );
  const isGroup = schema.type === 'object' || schema.type === 'array';
  if (hidden) {
    return <div hidden>{children}</div>;
  }
  const { page } = props.formContext ?? {};
  const fallback = (schema as ISchema)['x-new'] ?? schema.default;
  const isChanged =
    !isGroup &&
    fallback !== undefined &&
    JSON.stringify(props.formData) !== JSON.stringify(fallback);
  return (
    <div className={`jp-mlws-Field${isChanged ? ' jp-mod-changed' : ''}`}>
      {!isGroup && schema.type !== 'boolean' && (
        <label htmlFor={id}>
          {label}
          {required && <span title={trans.__('Required')}> *</span>}
        </label>
      )}
      {children}
      {page && name in (props.registry.rootSchema.properties ?? {}) && (
        <HelpLink page={`${page}#${name}`} subject={label} />
      )}
      {!isGroup && schema.description && (
        <div className="jp-mlws-Field-help">{schema.description}</div>
      )}
      {isChanged && (
        <div className="jp-mlws-Field-help">
          {trans.__('Default: %1', choiceText(schema as ISchema, fallback))}
        </div>
      )}
      {problems.map((problem, index) => (
        <div key={index} className="jp-mlws-Field-error">
          {problem.message} {problem.fix}
          <Repairs problem={problem} />
        </div>
      ))}
      {rawErrors?.map(error => (
        <div key={error} className="jp-mlws-Field-error" role="alert">
          {error}
        </div>
      ))}
    </div>
  );
}

function ObjectGroup(props: ObjectFieldTemplateProps): JSX.Element {
  const isRoot = props.idSchema.$id === props.formContext?.root;
  const fields = props.properties.map(property => property.content);
  return isRoot ? (
    <div>{fields}</div>
  ) : (
    <fieldset className="jp-mlws-Field-group">
      <legend>{props.title}</legend>
      {props.description && (
        <div className="jp-mlws-Field-help">{props.description}</div>
      )}
      {fields}
    </fieldset>
  );
}

function ArrayGroup(props: ArrayFieldTemplateProps): JSX.Element {
  return (
    <fieldset className="jp-mlws-Field-group">
      <legend>{props.title}</legend>
      {props.schema.description && (
        <div className="jp-mlws-Field-help">{props.schema.description}</div>
      )}
      {props.items.map(item => (
        <div key={item.key} className="jp-mlws-Field-item">
          {item.children}
          <RemoveButton
            label={trans.__('Remove item %1', item.index + 1)}
            onClick={item.onDropIndexClick(item.index)}
          />
        </div>
      ))}
      {props.canAdd && (
        <Button onClick={props.onAddClick}>{trans.__('Add Item')}</Button>
      )}
    </fieldset>
  );
}

export const TEMPLATES = {
  FieldTemplate: Field,
  ObjectFieldTemplate: ObjectGroup,
  ArrayFieldTemplate: ArrayGroup
};
