import { Panel, useReactFlow, useStore } from '@xyflow/react';
import { useLayoutEffect, useMemo, useRef } from 'react';

import { flowLabels } from '../../ui/flowLabels';
import type { AnyNode } from './nodeTypes';
import { usePicture } from './overview';
import { boundsOf, NODE_WIDTH } from '../graph/geometry';

/** Minimap of a large graph: one picture with a frame around the viewport. */
export function MapOfMany(props: {
  nodes: readonly AnyNode[];
  width: number;
  height: number;
}): JSX.Element {
  const { nodes, width, height } = props;
  const flow = useReactFlow();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { colours, boxes } = usePicture(canvas, nodes);
  const scene = useMemo(
    () => sceneOf(boxes, width, height),
    [boxes, width, height]
  );
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context && colours) {
      context.clearRect(0, 0, width, height);
      for (const { x, y, height: high, state, isSelected } of boxes) {
        context.fillStyle = isSelected
          ? colours.brand
          : (state ?? colours.edge);
        context.fillRect(
          scene.left + x * scene.scale,
          scene.top + y * scene.scale,
          Math.max(1, NODE_WIDTH * scene.scale),
          Math.max(1, high * scene.scale)
        );
      }
    }
  }, [boxes, scene, colours, width, height]);
  const go = (event: React.PointerEvent<HTMLElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    void flow.setCenter(
      (event.clientX - box.x - scene.left) / scene.scale,
      (event.clientY - box.y - scene.top) / scene.scale,
      { zoom: flow.getZoom() }
    );
  };
  return (
    <Panel position="bottom-right" className="react-flow__minimap">
      <div
        className="jp-mlws-MapOfMany"
        role="img"
        aria-label={flowLabels()['minimap.ariaLabel']}
        style={{ width, height }}
        onPointerDown={event => {
          event.currentTarget.setPointerCapture(event.pointerId);
          go(event);
        }}
        onPointerMove={event => {
          if (event.buttons === 1) {
            go(event);
          }
        }}
      >
        <canvas ref={canvas} width={width} height={height} />
        <ViewFrame {...scene} />
      </div>
    </Panel>
  );
}

interface IScene {
  left: number;
  top: number;
  scale: number;
}

/** Returns the scale and offset that fit the whole graph into the map. */
function sceneOf(
  nodes: readonly { x: number; y: number; height: number }[],
  width: number,
  height: number
): IScene {
  const bounds = boundsOf(nodes.map(node => ({ ...node, width: NODE_WIDTH })));
  if (!bounds) {
    return { left: 0, top: 0, scale: 1 };
  }
  const scale = 0.9 * Math.min(width / bounds.width, height / bounds.height);
  return {
    left: width / 2 - (bounds.x + bounds.width / 2) * scale,
    top: height / 2 - (bounds.y + bounds.height / 2) * scale,
    scale
  };
}

function ViewFrame({ left, top, scale }: IScene): JSX.Element {
  const [x, y, zoom] = useStore(state => state.transform);
  const width = useStore(state => state.width);
  const height = useStore(state => state.height);
  return (
    <div
      className="jp-mlws-MapOfMany-seen"
      style={{
        left: left - (x / zoom) * scale,
        top: top - (y / zoom) * scale,
        width: (width / zoom) * scale,
        height: (height / zoom) * scale
      }}
    />
  );
}
