import { customizeValidator } from '@rjsf/validator-ajv8';
import { useEffect, useId, useMemo, useState } from 'react';

import { Button, Empty } from '../../ui/controls';
import { trans } from '../../ui/locale';
import type { IStage } from '../document/document';
import type { Edit } from '../document/edits';
import { defaultsOf } from '../document/settings';
import {
  axesOf,
  type IAxis,
  type ISweepOptions,
  ITEM,
  itemsOf,
  MAX_VARIANTS,
  type Point,
  readersOfSweep,
  sweepFault,
  variantCount
} from '../document/sweep';
import { setItems, setSweep } from '../document/sweepEdits';
import type { IGraphNode } from '../graph/graph';
import {
  hasEffect,
  isSameAxis,
  type ISweepable,
  plainSweepable,
  pointsText,
  rangePoints,
  readPoints,
  sweepables
} from '../graph/sweepables';
import { RemoveButton } from './removeButton';
import { useCanvas } from '../context';
import { readerText, sweepFaultText } from '../labels';
import { type ISettingError, settingErrorText } from './settingErrors';

const validator = customizeValidator<Point>();

/** An error of ajv. */
interface IViolation {
  keyword: string;
  message?: string;
  params: Record<string, unknown>;
  schemaPath: string;
}

/** Text fields of an axis. */
interface IDraft {
  name: string;
  how: 'list' | 'linear' | 'log';
  /** Of a list. */
  text: string;
  from: string;
  to: string;
  count: string;
}

function draftOf(name: string, points: readonly Point[]): IDraft {
  const text = pointsText(points);
  return { name, how: 'list', text, from: '', to: '', count: '5' };
}

function pointsOf(
  draft: IDraft,
  { type }: Pick<ISweepable, 'type'>
): { points: Point[]; wrong: string[] } {
  return draft.how === 'list'
    ? readPoints(draft.text, type)
    : {
        points: rangePoints({
          from: draft.from.trim() === '' ? NaN : Number(draft.from),
          to: draft.to.trim() === '' ? NaN : Number(draft.to),
          count: Number(draft.count),
          isLog: draft.how === 'log',
          isInteger: type === 'integer'
        }),
        wrong: []
      };
}

/** The values that a sweep tries; a plain stage becomes a sweep, and a sweep a plain stage. */
export function SweepForm({ node }: { node: IGraphNode }): JSX.Element | null {
  const { model } = useCanvas();
  const document = model.document.workflow;
  const isSweep = node.kind === 'sweep';
  const items = useMemo(
    () => (isSweep ? itemsOf(document, node.id) : null),
    [document, isSweep, node.id]
  );
  const axes = useMemo(
    () =>
      items
        ? [{ name: ITEM, values: items }]
        : isSweep
          ? axesOf(document, node.id)
          : [],
    [document, isSweep, items, node.id]
  );
  const [isOpen, setOpen] = useState(false);
  const offers = sweepables(node, document);
  if (isSweep && axes === null) {
    return <Empty>{trans.__('This sweep can only be edited as text.')}</Empty>;
  }
  if (!isSweep && (offers.length === 0 || !node.stage.isEditable)) {
    return null;
  }
  return (
    <section aria-label={trans.__('Sweep')} className="jp-mlws-SweepForm">
      {isOpen ? (
        <AxesForm
          key={JSON.stringify(axes)}
          node={node}
          axes={axes ?? []}
          offers={items ? [] : offers}
          isList={items !== null}
          onClose={() => setOpen(false)}
        />
      ) : (
        <Button onClick={() => setOpen(true)}>
          {isSweep ? trans.__('Edit Sweep…') : trans.__('Sweep Values…')}
        </Button>
      )}
    </section>
  );
}

function AxesForm(props: {
  node: IGraphNode;
  axes: readonly IAxis[];
  offers: readonly ISweepable[];
  /** True for a `foreach`, which needs exactly one list of values. */
  isList: boolean;
  onClose: () => void;
}): JSX.Element {
  const { model } = useCanvas();
  const { node, axes, offers, isList, onClose } = props;
  const isSweep = node.kind === 'sweep';
  const [drafts, setDrafts] = useState<IDraft[]>(() =>
    axes.map(({ name, values }) => draftOf(name, values))
  );
  const offerOf = (name: string): ISweepable =>
    offers.find(one => one.name === name) ?? plainSweepable(name);
  const options = useOptions(node);
  const fault = isSweep
    ? null
    : sweepFault(model.document.workflow, node.id, options);
  const nextAxes = drafts.map(draft => ({
    name: draft.name,
    values: pointsOf(draft, offerOf(draft.name)).points
  }));
  const isWhole =
    nextAxes.length > 0 &&
    drafts.every(draft => faultOf(draft, offerOf(draft.name)) === null);
  const count = variantCount(nextAxes);
  const write = (next: readonly IAxis[]): void => {
    model.document.flush();
    const edit: Edit = isList
      ? setItems(node.id, next[0].values)
      : setSweep(node.id, next, options);
    if (model.document.edit(edit)) {
      onClose();
    }
  };
  const valuesOf = (name: string): readonly Point[] => {
    const { value } = offerOf(name);
    return (
      nextAxes.find(axis => axis.name === name)?.values ??
      (value === undefined ? [] : [value])
    );
  };
  const rest = offers.filter(
    one =>
      !drafts.some(draft => isSameAxis(draft.name, one.name)) &&
      hasEffect(one, valuesOf)
  );
  if (fault) {
    return (
      <>
        <p role="alert">{sweepFaultText(fault)}</p>
        <Button onClick={onClose}>{trans.__('Close')}</Button>
      </>
    );
  }
  return (
    <>
      <h4>{trans.__('Values to sweep')}</h4>
      {drafts.map((draft, index) => (
        <AxisFields
          key={draft.name}
          draft={draft}
          offer={offerOf(draft.name)}
          onChange={next =>
            setDrafts(drafts.map((one, at) => (at === index ? next : one)))
          }
          onRemove={
            isList
              ? null
              : () => setDrafts(drafts.filter((_, at) => at !== index))
          }
        />
      ))}
      {rest.length > 0 && (
        <div className="jp-mlws-Field">
          <select
            className="jp-mod-styled"
            aria-label={trans.__('Add a setting to sweep')}
            value=""
            onChange={event => {
              const { name, value, choices } = offerOf(event.target.value);
              const points = choices ?? (value === undefined ? [] : [value]);
              setDrafts([...drafts, draftOf(name, points)]);
            }}
          >
            <option value="">{trans.__('Add a setting…')}</option>
            {rest.map(({ name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </div>
      )}
      {drafts.length > 0 && (
        <p role="status">
          {!isWhole
            ? trans.__('Enter values for each setting.')
            : count > MAX_VARIANTS
              ? trans.__('%1 variants (maximum %2)', count, MAX_VARIANTS)
              : trans._n('%1 variant', '%1 variants', count)}
        </p>
      )}
      <Readers node={node} options={options} />
      <div className="jp-mlws-Field-item">
        <Button
          disabled={!isWhole || count > MAX_VARIANTS}
          onClick={() => write(nextAxes)}
        >
          {isSweep ? trans.__('Update Sweep') : trans.__('Create Sweep')}
        </Button>
        {isSweep && !isList && (
          <Button
            title={trans.__(
              'Keep a single node with the first value of each setting'
            )}
            onClick={() => write([])}
          >
            {trans.__('Remove Sweep')}
          </Button>
        )}
        <Button minimal onClick={onClose}>
          {trans.__('Cancel')}
        </Button>
      </div>
    </>
  );
}

/** Effects on downstream nodes. */
function Readers(props: {
  node: IGraphNode;
  options: ISweepOptions;
}): JSX.Element | null {
  const { model } = useCanvas();
  const readers = readersOfSweep(
    model.document.workflow,
    props.node.id,
    props.options
  );
  return readers.size === 0 ? null : (
    <ul className="jp-mlws-Field-help">
      {[...readers].map(([reader, kind]) => (
        <li key={reader}>{readerText(reader, kind)}</li>
      ))}
    </ul>
  );
}

function useOptions(node: IGraphNode): ISweepOptions {
  const { model } = useCanvas();
  return useMemo(
    () => ({
      isMultiple: (stage: IStage, port: string) =>
        model.catalog.components
          .get(stage.component ?? '')
          ?.inputs.find(input => input.name === port)?.multiple ?? false,
      defaults: defaultsOf(node.settings ?? {})
    }),
    [model, node.settings]
  );
}

type AxisFault =
  | { kind: 'empty' }
  | { kind: 'word'; word: string }
  | { kind: 'value'; value: Point; error: ISettingError };

function faultOf(draft: IDraft, offer: ISweepable): AxisFault | null {
  const { points, wrong } = pointsOf(draft, offer);
  if (wrong.length > 0) {
    return { kind: 'word', word: wrong[0] };
  }
  if (points.length === 0) {
    return { kind: 'empty' };
  }
  for (const value of points) {
    const { errors } = validator.rawValidation<IViolation>(offer.schema, value);
    if (errors && errors.length > 0) {
      const [{ keyword, message, params, schemaPath }] = errors;
      return {
        kind: 'value',
        value,
        error: { name: keyword, message, params, schemaPath }
      };
    }
  }
  return null;
}

function AxisFields(props: {
  draft: IDraft;
  offer: ISweepable;
  onChange: (draft: IDraft) => void;
  /** Null for the only axis. */
  onRemove: (() => void) | null;
}): JSX.Element {
  const { draft, offer, onChange, onRemove } = props;
  const { name, how } = draft;
  const { label } = offer;
  const [isTouched, setTouched] = useState(false);
  const id = useId();
  const isNumber = ['integer', 'number', 'any'].includes(offer.type);
  // The names of choices in the form, beside the values that a file has.
  const labels = (offer.schema['x-labels'] ?? []).map(
    (text, index) => `${offer.schema.enum?.[index]}: ${text}`
  );
  const fault = faultOf(draft, offer);
  const { points } = pointsOf(draft, offer);
  useEffect(() => setTouched(false), [name]);
  const change = (part: Partial<IDraft>): void => {
    setTouched(true);
    onChange({ ...draft, ...part });
  };
  const field = (part: 'from' | 'to' | 'count', text: string): JSX.Element => (
    <label>
      {text}{' '}
      <input
        className="jp-mod-styled"
        data-mlws-axis={`${name}:${part}`}
        inputMode="decimal"
        value={draft[part]}
        onChange={event => change({ [part]: event.target.value })}
      />
    </label>
  );
  return (
    <div className="jp-mlws-Field jp-mlws-Axis" role="group" aria-label={label}>
      <div className="jp-mlws-Field-item">
        <label htmlFor={id}>{label}</label>
        {isNumber && (
          <select
            className="jp-mod-styled"
            aria-label={trans.__('Specify values of %1 as', label)}
            value={how}
            onChange={event =>
              change({ how: event.target.value as IDraft['how'] })
            }
          >
            <option value="list">{trans.__('List')}</option>
            <option value="linear">{trans.__('Range (linear)')}</option>
            <option value="log">{trans.__('Range (logarithmic)')}</option>
          </select>
        )}
        {onRemove && (
          <RemoveButton
            label={trans.__('Remove %1 from the sweep', label)}
            onClick={onRemove}
          />
        )}
      </div>
      {how === 'list' ? (
        <input
          id={id}
          className="jp-mod-styled"
          data-mlws-axis={name}
          value={draft.text}
          placeholder={trans.__('Comma-separated values')}
          aria-invalid={isTouched && fault !== null}
          onChange={event => change({ text: event.target.value })}
        />
      ) : (
        <>
          <div className="jp-mlws-Axis-range" id={id}>
            {field('from', trans.__('From'))}
            {field('to', trans.__('To'))}
            {field('count', trans.__('Count'))}
          </div>
          {points.length > 0 && (
            <div className="jp-mlws-Field-help">{pointsText(points)}</div>
          )}
        </>
      )}
      {isTouched && fault && (
        <div className="jp-mlws-Field-error" role="alert">
          {axisFaultText(fault, offer)}
        </div>
      )}
      {labels.length > 0 && (
        <div className="jp-mlws-Field-help">{labels.join(', ')}</div>
      )}
    </div>
  );
}

function axisFaultText(fault: AxisFault, { type, schema }: ISweepable): string {
  switch (fault.kind) {
    case 'empty':
      return trans.__('Enter comma-separated values or a range');
    case 'value':
      return `${fault.value}: ${settingErrorText(fault.error, schema)}`;
    case 'word':
      return type === 'integer'
        ? trans.__('“%1” is not an integer', fault.word)
        : type === 'number'
          ? trans.__('“%1” is not a number', fault.word)
          : type === 'boolean'
            ? trans.__('“%1” must be true or false', fault.word)
            : trans.__(
                "“%1” can't be used in a file name. Use letters, digits and _ + - = @ % : .",
                fault.word
              );
  }
}
