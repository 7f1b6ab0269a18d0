import { MLWSClient } from '../api/client';
import type { IOperation, IOperationEvent } from '../api/models';

/** States after which nothing more comes. */
const ENDED = ['COMPLETED', 'FAILED', 'CANCELLED'];

/** Follows long work to its end; `told` hears of every step. Cancelled and failed are ends, too. */
export function followOperation<T>(
  client: MLWSClient,
  begun: IOperation<T>,
  told: (operation: IOperation<T>) => void
): Promise<IOperation<T>> {
  const stream = client.stream<IOperationEvent>('/operations/status');
  const read = () => client.get<IOperation<T>>(`/operations/${begun.id}`);
  let isOver = false;
  return new Promise<IOperation<T>>((resolve, reject) => {
    const look = async () => {
      const operation = await read();
      // An answer that was overtaken by the one that told of the end is old.
      if (isOver) {
        return;
      }
      isOver = ENDED.includes(operation.state);
      told(operation);
      if (isOver) {
        resolve(operation);
      }
    };
    stream.message.connect((_, event) => {
      if (event.type === 'operation' && event.id !== begun.id) {
        return;
      }
      if (isOver) {
        return;
      }
      if (event.type === 'operation' && !ENDED.includes(event.state)) {
        told(event);
      } else {
        // The stream speaks the browser's language and may have missed something: ask for the state itself.
        look().catch(reject);
      }
    });
    look().catch(reject);
  }).finally(() => stream.dispose());
}
