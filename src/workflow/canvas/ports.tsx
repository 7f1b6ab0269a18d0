import { Handle, Position } from '@xyflow/react';

import { trans } from '../../ui/locale';
import type { IGraphNode, IGraphPort } from '../graph/graph';
import { memberEnd } from '../graph/groups';
import { portText } from '../labels';
import { addIcon } from '../operationIcons';

/** Inputs on the left and outputs on the right, row by row; for a group those of its members. */
export function Ports(props: {
  node: IGraphNode;
  /** Names of the outputs that no node reads, one per line. */
  unread: string;
}): JSX.Element {
  const { id, inputs, outputs } = props.node;
  const unread = props.unread.split('\n');
  const count = Math.max(1, inputs.length, outputs.length);
  return (
    <div className="jp-mlws-Node-ports">
      {Array.from({ length: count }, (_, row) => (
        <div key={row} className="jp-mlws-Node-row">
          {inputs[row] && (
            <Port node={id} ports={inputs} port={inputs[row]} side="in" />
          )}
          {outputs[row] && (
            <Port
              node={id}
              ports={outputs}
              port={outputs[row]}
              side="out"
              isUnread={unread.includes(outputs[row].name)}
            />
          )}
        </div>
      ))}
    </div>
  );
}

function Port(props: {
  node: string;
  ports: readonly IGraphPort[];
  port: IGraphPort;
  side: 'in' | 'out';
  isUnread?: boolean;
}): JSX.Element {
  const { node, ports, port, side } = props;
  const endOf = ({ name }: IGraphPort): { node: string; port: string } =>
    memberEnd({ node, port: name });
  const end = endOf(port);
  const ownName = portText(end.port);
  const fullName = end.node === node ? ownName : `${end.node}.${ownName}`;
  const isAlone = ports.every(
    other => other === port || endOf(other).port !== end.port
  );
  const name = isAlone ? ownName : fullName;
  const type = port.type ?? trans.__('any file');
  const hint = [`${fullName}: ${type}`, port.description, ...port.paths]
    .filter(Boolean)
    .join('\n');
  return (
    <span className={`jp-mlws-Port jp-mod-${side}`} title={hint}>
      <Handle
        type={side === 'in' ? 'target' : 'source'}
        position={side === 'in' ? Position.Left : Position.Right}
        id={port.name}
        role="img"
        data-mlws-port={`${end.node}:${side}:${end.port}`}
        data-mlws-type={port.type ?? ''}
        aria-label={hint}
      />
      <span className="jp-mlws-Port-name">{name}</span>
      {side === 'out' && (
        // By keyboard, Ctrl+L lists the same.
        <button
          className={`jp-mlws-Port-add nodrag nopan${props.isUnread ? ' jp-mod-unread' : ''}`}
          data-mlws-add={port.name}
          tabIndex={-1}
          title={trans.__('Add a node that reads “%1”', name)}
          aria-label={trans.__('Add a node that reads “%1”', name)}
        >
          <addIcon.react tag="span" />
        </button>
      )}
    </span>
  );
}
