import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import { useId, useState } from 'react';

import type { ITableProfile } from '../../api/models';
import { LabelledSelect } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { ColumnTable } from '../columnTable';
import type { IReading } from '../store/columns';
import { startWithFile } from '../store/gestures';
import type { CanvasModel } from '../store/model';
import { addTemplate } from '../store/templates';
import { advice, modelText, splitText } from './tableLabels';
import {
  canForecast,
  type ITableChoice,
  MODELS,
  proposal,
  tableTemplate,
  type Task,
  withForecast,
  withRole,
  withRoleOf,
  withTarget
} from './tableTemplate';

const AUTO: IReading = { separator: '', encoding: '', decimal: '', sheet: '' };
/** The button that creates the nodes and does not run them. */
const CREATE = 'create';
const TEST_SIZES = [0.1, 0.2, 0.25, 0.3, 0.5];
const FOLDS = [0, 5, 10];

interface IAnswer {
  profile: ITableProfile;
  choice: ITableChoice;
}

/** Adds a first model of a table, and optionally runs it; or only a node that loads the table. */
export async function startWithTable(
  model: CanvasModel,
  file: string
): Promise<void> {
  let isRun: boolean | null = null;
  try {
    isRun = await fillFromTable(model, file);
  } finally {
    if (isRun === null) {
      startWithFile(model, file, { x: 0, y: 0 });
    }
  }
  if (isRun) {
    await model.runs.start();
  }
}

/**
 * Shows the content of a table, asks for target and models, and adds the nodes. Returns whether to
 * run them; null if canceled.
 */
async function fillFromTable(
  model: CanvasModel,
  file: string
): Promise<boolean | null> {
  const columns = model.server.service?.columns;
  if (!columns) {
    return null;
  }
  const read = (reading: IReading): Promise<ITableProfile> =>
    columns.profile(file, reading);
  const profile = await read(AUTO);
  let answer: IAnswer = { profile, choice: proposal(profile, AUTO) };
  const body = ReactWidget.create(
    <TableForm first={answer} read={read} onChange={next => (answer = next)} />
  );
  body.addClass('jp-mlws-Wizard');
  const { button } = await new Dialog({
    title: trans.__('First Model of %1', file.split('/').pop()!),
    body,
    focusNodeSelector: 'select',
    buttons: [
      Dialog.cancelButton(),
      Dialog.createButton({
        label: trans.__('Create'),
        actions: [CREATE],
        className: 'jp-mod-reject'
      }),
      Dialog.okButton({ label: trans.__('Create and Run') })
    ]
  }).launch();
  if (!button.accept) {
    return null;
  }
  const template = tableTemplate(file, answer.profile, answer.choice);
  const isAdded = addTemplate(model, template, { file: '', column: '' });
  return isAdded ? !button.actions.includes(CREATE) : null;
}

function TableForm(props: {
  first: IAnswer;
  read: (reading: IReading) => Promise<ITableProfile>;
  onChange: (answer: IAnswer) => void;
}): JSX.Element {
  const { first, read, onChange } = props;
  const [{ profile, choice }, setAnswer] = useState(first);
  const [error, setError] = useState('');
  const id = useId();
  const answer = (next: IAnswer): void => {
    setAnswer(next);
    onChange(next);
  };
  const choose = (next: ITableChoice): void =>
    answer({ profile, choice: next });
  const reread = (part: Partial<IReading>): void => {
    const reading = { ...choice.reading, ...part };
    setError('');
    read(reading).then(
      next => answer({ profile: next, choice: proposal(next, reading) }),
      (reason: Error) => setError(reason.message)
    );
  };
  const target = withRole(choice, 'target');
  const { columns } = profile;
  const able = columns.filter(({ task }) => task !== null);
  const models = choice.task === 'clusters' ? [] : MODELS[choice.task];
  const chooseTask = (task: Task): void => {
    if (task === 'forecast') {
      choose(withForecast(profile, choice));
    } else if (task === 'clusters') {
      choose({
        ...(target ? withRoleOf(choice, target, 'ignored') : choice),
        task,
        models: []
      });
    } else {
      const column = target ?? profile.target ?? able[0]?.name;
      if (column) {
        const next = withTarget(profile, choice, column);
        choose({ ...next, task, models: MODELS[task] });
      }
    }
  };
  return (
    <>
      <section
        className="jp-mlws-Wizard-table"
        aria-label={trans.__('Columns')}
      >
        <p>
          {trans._n(
            '%2 row, %3 columns',
            '%2 rows, %3 columns',
            profile.rows,
            profile.rows.toLocaleString(),
            columns.length
          )}
          {profile.is_head &&
            ` · ${trans.__('the first rows of a large file')}`}
        </p>
        <ColumnTable
          columns={columns}
          rows={profile.rows}
          kinds={choice.kinds}
          roles={choice.roles}
          onKind={(column, kind) => {
            const others = Object.entries(choice.kinds).filter(
              ([name]) => name !== column
            );
            const own = kind === null ? [] : [[column, kind]];
            choose({
              ...choice,
              kinds: Object.fromEntries([...others, ...own])
            });
          }}
          onRole={(column, role) =>
            choose(
              role === 'target'
                ? withTarget(profile, choice, column)
                : withRoleOf(choice, column, role)
            )
          }
        />
      </section>
      <section className="jp-mlws-Wizard-model" aria-label={trans.__('Model')}>
        <LabelledSelect
          label={trans.__('Task')}
          value={choice.task}
          options={[
            [
              'classification',
              trans.__('Classification: predict a class'),
              able.length === 0
            ],
            [
              'regression',
              trans.__('Regression: predict a number'),
              able.length === 0
            ],
            [
              'forecast',
              trans.__('Forecast: predict later numbers'),
              !canForecast(profile, choice)
            ],
            ['clusters', trans.__('Clusters: find groups')]
          ]}
          onChange={chooseTask}
        />
        {choice.task !== 'clusters' && (
          <>
            <label htmlFor={`${id}-target`}>{trans.__('Target column')}</label>
            <select
              id={`${id}-target`}
              value={target ?? ''}
              onChange={event => {
                const next = withTarget(profile, choice, event.target.value);
                choose(
                  choice.task === 'forecast'
                    ? withForecast(profile, next)
                    : next
                );
              }}
            >
              {target === undefined && (
                <option value="">{trans.__('Choose a column…')}</option>
              )}
              {able.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
            {target === profile.target && (
              <div className="jp-mlws-Field-help">
                {profile.target_reason === 'name'
                  ? trans.__('Proposed because of its name.')
                  : trans.__('Proposed because it is the last one.')}
              </div>
            )}
            <fieldset>
              <legend>{trans.__('Models to compare')}</legend>
              {models.map(name => (
                <label key={name}>
                  <input
                    type="checkbox"
                    checked={choice.models.includes(name)}
                    onChange={() =>
                      choose({
                        ...choice,
                        models: models.filter(
                          one => (one === name) !== choice.models.includes(one)
                        )
                      })
                    }
                  />
                  {modelText(name)}
                </label>
              ))}
            </fieldset>
            <LabelledSelect
              label={trans.__('Rows that judge')}
              value={String(choice.testSize)}
              options={TEST_SIZES.map(size => [
                String(size),
                `${Math.round(size * 100)} %`
              ])}
              onChange={size => choose({ ...choice, testSize: Number(size) })}
            />
            <div className="jp-mlws-Field-help">{splitText(choice)}</div>
            <LabelledSelect
              label={trans.__('Cross-validation')}
              value={String(choice.folds)}
              options={FOLDS.map(folds => [
                String(folds),
                folds === 0 ? trans.__('None') : trans.__('%1 folds', folds)
              ])}
              onChange={folds => choose({ ...choice, folds: Number(folds) })}
            />
            <div className="jp-mlws-Field-help">
              {trans.__(
                'Ranks the models by parts of the other rows in turn; takes as many times longer.'
              )}
            </div>
          </>
        )}
        <ReadingFields
          profile={profile}
          reading={choice.reading}
          onChange={reread}
        />
        {error && <p role="alert">{error}</p>}
        <ul className="jp-mlws-Wizard-advice">
          {advice(profile, choice).map(text => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      </section>
    </>
  );
}

function ReadingFields(props: {
  profile: ITableProfile;
  reading: IReading;
  onChange: (part: Partial<IReading>) => void;
}): JSX.Element | null {
  const { profile, reading, onChange } = props;
  const { format, separator, encoding, decimal } = profile.reading;
  if (profile.sheets.length > 1) {
    return (
      <>
        <LabelledSelect
          label={trans.__('Sheet')}
          value={reading.sheet || profile.sheets[0]}
          options={profile.sheets.map(name => [name, name])}
          onChange={sheet => onChange({ sheet })}
        />
      </>
    );
  }
  if (format !== 'csv') {
    return null;
  }
  const names: Record<string, string> = {
    ',': trans.__('comma'),
    ';': trans.__('semicolon'),
    '\t': trans.__('tab'),
    '|': '|'
  };
  return (
    <details>
      <summary>
        {trans.__(
          'Read as %1, separator %2',
          encoding,
          names[separator] ?? separator
        )}
      </summary>
      <LabelledSelect
        label={trans.__('Separator')}
        value={separator}
        options={Object.entries(names)}
        onChange={next => onChange({ separator: next })}
      />
      <LabelledSelect
        label={trans.__('Encoding')}
        value={encoding}
        options={[
          ...new Set([encoding, 'utf-8', 'gb18030', 'latin-1', 'big5'])
        ].map(name => [name, name])}
        onChange={next => onChange({ encoding: next })}
      />
      <LabelledSelect
        label={trans.__('Decimal character')}
        value={decimal}
        options={['.', ','].map(sign => [sign, sign])}
        onChange={next => onChange({ decimal: next })}
      />
    </details>
  );
}
