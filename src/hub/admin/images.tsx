import { useMutation } from '@tanstack/react-query';

import type { MLWSClient } from '../../api/client';
import type { IImageUse } from '../../api/models';
import { readMore } from '../../api/pages';
import { Failure } from '../../ui/errorBox';
import { fileSize, fullTime, relativeTime } from '../../ui/format';
import { trans } from '../../ui/locale';
import { Failures, usePages } from '../../ui/server';
import { ActionButton, ActionGroup } from '../containers/actions';
import type { IQuestion } from '../containers/labels';
import { Grid } from './grid';

const QUERY = { limit: 100 };
/** Containers that a row names. */
const MAX_NAMES = 5;

/** "ada--default, bob--default, and 3 more" */
function namesText(ids: readonly string[]): string {
  const shown = ids.slice(0, MAX_NAMES).join(', ');
  return ids.length > MAX_NAMES
    ? trans.__('%1, and %2 more', shown, ids.length - MAX_NAMES)
    : shown;
}

function questionBeforeRemoval(image: IImageUse): IQuestion {
  return image.environment === null
    ? {
        title: trans.__('Remove the image %1 from the machine?', image.name),
        lost: trans.__(
          'Its space is freed. An image that no registry has must be built again.'
        ),
        kept: trans.__(
          'It can still be chosen; the next start pulls it from its registry.'
        ),
        accept: trans.__('Remove')
      }
    : {
        title: trans.__(
          'Delete the environment %1 of %2?',
          image.name,
          image.user
        ),
        lost: trans.__(
          'Its packages are deleted. Stopped containers with it start with the default image.'
        ),
        kept: trans.__("The user's files are kept."),
        accept: trans.__('Delete')
      };
}

/** The images of the Hub and the saved environments, with the containers that use them. */
export function Images(props: {
  client: MLWSClient;
  confirm: (question: IQuestion) => Promise<boolean>;
  isReachable: boolean;
}): JSX.Element {
  const { client, confirm } = props;
  const images = usePages(client, '/storage/images', QUERY);
  const remove = useMutation(
    {
      mutationFn: ({ name, environment }: IImageUse) =>
        environment === null
          ? client.delete(`/storage/images/${encodeURIComponent(name)}`)
          : client.delete(`/environments/${encodeURIComponent(environment)}`),
      onSettled: () => client.refresh('/storage')
    },
    client.queries
  );
  const ask = async (image: IImageUse): Promise<void> => {
    if (await confirm(questionBeforeRemoval(image))) {
      remove.mutate(image);
    }
  };
  const isRemovable = (image: IImageUse): boolean =>
    image.running.length === 0 &&
    (image.environment !== null ||
      (image.present && !image.default && image.stopped.length === 0));
  return (
    <Grid
      name="Images"
      title={trans.__('Images and saved environments')}
      heads={[
        trans.__('Name'),
        trans.__('Owner'),
        trans.__('Image'),
        trans.__('Disk'),
        trans.__('Created'),
        trans.__('Running'),
        trans.__('Stopped'),
        trans.__('Actions')
      ]}
      empty={images.data ? trans.__('No images.') : null}
      isLoading={!images.data && !images.error}
      notes={
        <>
          {props.isReachable && <Failures of={[images]} />}
          {remove.error && <Failure error={remove.error} />}
        </>
      }
      more={
        images.data?.next_cursor
          ? () => void readMore(client, '/storage/images', QUERY, 'items')
          : undefined
      }
    >
      {(images.data?.items ?? []).map(image => (
        <tr key={image.id} data-mlws-image={image.id}>
          <th scope="row">
            {image.name}
            {image.default && (
              <span className="jp-mlws-Hint"> {trans.__('default')}</span>
            )}
          </th>
          <td>{image.user ?? trans.__('all users')}</td>
          <td
            className="jp-mlws-Grid-image"
            title={image.image ?? image.base ?? undefined}
          >
            {image.image ??
              (image.base === null ? '–' : trans.__('based on %1', image.base))}
          </td>
          <td>
            {!image.present
              ? trans.__('not on the machine')
              : image.size === null
                ? '–'
                : fileSize(image.size)}
          </td>
          <td title={image.created ? fullTime(image.created) : undefined}>
            {image.created ? relativeTime(image.created) : '–'}
          </td>
          {[image.running, image.stopped].map((ids, index) => (
            <td
              key={index}
              className="jp-mlws-Grid-text"
              title={ids.join('\n')}
            >
              {ids.length === 0 ? '–' : `${ids.length}: ${namesText(ids)}`}
            </td>
          ))}
          <td>
            <ActionGroup of={image.name}>
              <ActionButton
                name="delete"
                label={trans.__('Remove %1', image.name)}
                disabled={remove.isPending || !isRemovable(image)}
                onClick={() => void ask(image)}
              />
            </ActionGroup>
          </td>
        </tr>
      ))}
    </Grid>
  );
}
