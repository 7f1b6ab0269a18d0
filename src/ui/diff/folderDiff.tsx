import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';

import { escapeId, type MLWSClient } from '../../api/client';
import type { IChangedDataFile, IDatasetDiff } from '../../api/models';
import { readMore } from '../../api/pages';
import { stateLabel, stateLetters } from '../changeLabels';
import { Hint, LabelledSelect } from '../controls';
import { fileSize } from '../format';
import { trans } from '../locale';
import { Answer, useGet } from '../server';

const IMAGE = /\.(png|jpe?g|gif|webp|bmp|svg)$/i;
const PAGE_SIZE = 200;
/** Width of a tile with one picture, in pixels; one with two takes two places. */
const TILE_WIDTH = 300;
const TILE_HEIGHT = 190;
const ROW_HEIGHT = 28;

type State = IChangedDataFile['state'];

interface IVersions {
  from: string;
  to?: string;
}

/** Tests whether a diff is that of a file that names a folder of data, by its lines. */
export const namesFolder = (path: string, text: string): boolean =>
  path.endsWith('.dvc') && /^[+-]?\s*-?\s*md5: \w+\.dir\s*$/m.test(text);

/** A picture in a version; that it is not here, or cannot be shown, in its place. */
function Picture(props: {
  client: MLWSClient;
  path: string;
  version?: string;
  label: string;
}): JSX.Element {
  const { client, path, version, label } = props;
  const { data, error } = useGet(
    client,
    '/datasets/image',
    { path, ...(version && { version }) },
    { staleTime: version ? Infinity : 0 }
  );
  const problem = data?.stored === false ? null : data?.problem;
  return data?.content ? (
    <img
      src={`data:${data.media};base64,${data.content}`}
      alt={`${path} (${label})`}
      title={`${data.width} × ${data.height}`}
    />
  ) : (
    <span className="jp-mlws-Tile-missing" title={label}>
      {data?.stored === false
        ? trans.__('Not here. Pull the data to see it.')
        : (problem ?? error?.message ?? '…')}
    </span>
  );
}

function Tile(props: {
  client: MLWSClient;
  file: IChangedDataFile;
  versions: IVersions;
}): JSX.Element {
  const { client, file, versions } = props;
  const { path, old_path: oldPath, state } = file;
  const isImage = IMAGE.test(path);
  const sizes = [file.from_size, file.to_size]
    .filter(size => size !== null)
    .map(size => fileSize(size))
    .join(' → ');
  return (
    <figure
      className="jp-mlws-Tile"
      data-mlws-path={path}
      data-mlws-state={state}
    >
      {isImage && (
        <div className="jp-mlws-Tile-pictures">
          {(state === 'deleted' || state === 'modified') && (
            <Picture
              client={client}
              path={path}
              version={versions.from}
              label={trans.__('before')}
            />
          )}
          {state !== 'deleted' && (
            <Picture
              client={client}
              path={path}
              version={versions.to}
              label={trans.__('after')}
            />
          )}
        </div>
      )}
      <figcaption title={[oldPath, path].filter(Boolean).join(' → ')}>
        <span className="jp-mlws-ChangeState" data-mlws-state={state}>
          {stateLetters[state]} {stateLabel(state)}
        </span>{' '}
        {[oldPath, path].filter(Boolean).join(' → ')}{' '}
        <span className="jp-mlws-Group-count">{sizes}</span>
      </figcaption>
    </figure>
  );
}

/** The files in view of a list of any length, in columns if they have pictures. */
function Tiles(props: {
  client: MLWSClient;
  diff: IDatasetDiff;
  versions: IVersions;
  onEnd: () => void;
}): JSX.Element {
  const { client, diff, versions, onEnd } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(TILE_WIDTH);
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) =>
      setWidth(contentRect.width)
    );
    observer.observe(scroller.current!);
    return () => observer.disconnect();
  }, []);
  const hasPictures = diff.images > 0;
  const columns = hasPictures ? Math.max(1, Math.floor(width / TILE_WIDTH)) : 1;
  const height = hasPictures ? TILE_HEIGHT : ROW_HEIGHT;
  const count = Math.ceil(diff.items.length / columns);
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 2
  });
  const items = rows.getVirtualItems();
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => rows.measure(), [rows, height]);
  useEffect(() => {
    if (last >= count - 4) {
      onEnd();
    }
  }, [last, count, onEnd]);
  return (
    <div
      className="jp-mlws-Scrolled jp-mlws-Tiles"
      role="region"
      aria-label={trans.__('Files')}
      tabIndex={0}
      ref={scroller}
    >
      <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
        {items.map(({ index, start }) => (
          <div
            key={index}
            className="jp-mlws-Tiles-row"
            style={{ height, transform: `translateY(${start}px)` }}
          >
            {diff.items
              .slice(index * columns, (index + 1) * columns)
              .map(file => (
                <Tile
                  key={file.path}
                  client={client}
                  file={file}
                  versions={versions}
                />
              ))}
          </div>
        ))}
      </div>
    </div>
  );
}

/** A folder in two versions, file by file; images are shown. */
export function FolderDiff(props: {
  client: MLWSClient;
  path: string;
  versions: IVersions;
}): JSX.Element {
  const { client } = props;
  const { from, to } = props.versions;
  const [state, setState] = useState<State | ''>('');
  const path =
    `/datasets/${encodeURIComponent(escapeId(props.path))}/diff` as const;
  const query = {
    from,
    ...(to && { to }),
    limit: PAGE_SIZE,
    ...(state && { state })
  };
  const answer = useGet(client, path, query);
  return (
    <Answer of={answer}>
      {diff => (
        <section
          className="jp-mlws-FolderDiff"
          aria-label={trans.__('Differences of the folder')}
        >
          <p className="jp-mlws-Counts">
            {[
              trans._n('%1 file added', '%1 files added', diff.added),
              trans._n('%1 deleted', '%1 deleted', diff.deleted),
              trans._n('%1 modified', '%1 modified', diff.modified),
              trans._n('%1 renamed', '%1 renamed', diff.renamed),
              trans._n('%1 unchanged', '%1 unchanged', diff.unchanged)
            ].join(' · ')}
          </p>
          {diff.added + diff.deleted + diff.modified + diff.renamed === 0 ? (
            <Hint>{trans.__('No differences.')}</Hint>
          ) : (
            <>
              <div className="jp-mlws-Tools">
                <LabelledSelect
                  label={trans.__('Show')}
                  value={state}
                  options={[
                    ['', trans.__('All differences')] as const,
                    ...(['added', 'deleted', 'modified', 'renamed'] as const)
                      .filter(one => diff[one] > 0)
                      .map(one => [one, stateLabel(one)] as const)
                  ]}
                  onChange={setState}
                />
              </div>
              <Tiles
                key={state}
                client={client}
                diff={diff}
                versions={{ from, to }}
                onEnd={() =>
                  void readMore(client, path, query, 'items').catch(
                    answer.refetch
                  )
                }
              />
            </>
          )}
        </section>
      )}
    </Answer>
  );
}
