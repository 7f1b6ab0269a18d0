import { Handle, Position, type Node, type NodeProps } from '@xyflow/react';
import { memo } from 'react';

import { dataIcon as sourceIcon } from '../../ui/fileIcons';
import { fileSize } from '../../ui/format';
import { trans } from '../../ui/locale';
import { useCatalog } from '../hooks';
import { basename } from '../document/paths';
import { SOURCE_PORT } from '../graph/graph';
import type { ISource } from '../graph/sources';

export type SourceNode = Node<{ source: ISource }, 'source'>;

/** Data that the workflow reads: its name, and how large which version is. */
export const SourceView = memo(({ data, selected }: NodeProps<SourceNode>) => {
  const { datasets } = useCatalog();
  const { path } = data.source;
  const dataset = datasets.get(path);
  const version = dataset
    ? [
        dataset.size === null ? '' : fileSize(dataset.size),
        dataset.md5?.slice(0, 7) ?? ''
      ].filter(one => one !== '')
    : [trans.__('File')];
  return (
    <div
      className={`jp-mlws-Source${selected ? ' jp-mod-selected' : ''}`}
      data-mlws-source={path}
      data-mlws-state={dataset?.state}
      title={path}
    >
      <div className="jp-mlws-Source-head">
        <sourceIcon.react tag="span" className="jp-mlws-Node-icon" />
        <span className="jp-mlws-Node-title">{basename(path)}</span>
      </div>
      <span className="jp-mlws-Node-kind">{version.join(' · ')}</span>
      <Handle
        type="source"
        position={Position.Right}
        id={SOURCE_PORT}
        role="img"
        data-mlws-port={`${data.source.id}:out`}
        data-mlws-type="File"
        aria-label={path}
      />
    </div>
  );
});
