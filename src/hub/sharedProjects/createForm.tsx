import type { TranslationBundle } from '@jupyterlab/translation';
import { useState } from 'react';

import { Failure } from '../../ui/errorBox';
import { FormButtons, TextField, useSubmit } from '../../ui/form';
import type { TeamModel } from './model';

const FIELDS = ['name', 'description'] as const;

/** Asks for a new shared project; what the server refuses stands at its field. */
export function CreateProjectForm(props: {
  model: TeamModel;
  trans: TranslationBundle;
  onDone: () => void;
}): JSX.Element {
  const { model, trans, onDone } = props;
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const { byField, rest, isBusy, submit } = useSubmit(FIELDS, async () => {
    await model.create(name.trim(), description.trim());
    onDone();
  });
  return (
    <form
      aria-label={trans.__('New Shared Project')}
      onSubmit={event => {
        event.preventDefault();
        void submit();
      }}
    >
      {rest && <Failure error={rest} trans={trans} />}
      <TextField
        name="name"
        label={trans.__('Name')}
        help={trans.__(
          'Lowercase letters and digits, with hyphens between them. Used in URLs.'
        )}
        error={byField.get('name')}
        value={name}
        onChange={event => setName(event.target.value)}
      />
      <TextField
        name="description"
        label={trans.__('Description')}
        error={byField.get('description')}
        value={description}
        onChange={event => setDescription(event.target.value)}
      />
      <FormButtons
        ok={trans.__('Create')}
        isBusy={isBusy}
        isIncomplete={name.trim() === ''}
        trans={trans}
        onCancel={onDone}
      />
    </form>
  );
}
