import { useState } from 'react';

import type { MLWSClient } from '../../api/client';
import { Failure } from '../../ui/errorBox';
import { FormButtons, TextField, useSubmit } from '../../ui/form';
import { trans } from '../../ui/locale';
import { PROJECTS } from './labels';

const FIELDS = ['name', 'description'] as const;

/** Form for a new shared project; errors of the server are at their field. */
export function CreateProjectForm(props: {
  client: MLWSClient;
  onDone: () => void;
}): JSX.Element {
  const { client, onDone } = props;
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const { byField, rest, isBusy, submit } = useSubmit(FIELDS, async () => {
    await client.post(PROJECTS, {
      name: name.trim(),
      description: description.trim()
    });
    await client.refresh(PROJECTS);
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
      {rest && <Failure error={rest} />}
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
        onCancel={onDone}
      />
    </form>
  );
}
