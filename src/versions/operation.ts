import { MLWSClient } from '../api';
import type { IOperation, IOperationEvent } from '../models';

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
  return new Promise<IOperation<T>>((resolve, reject) => {
    const look = async () => {
      const operation = await read();
      told(operation);
      if (ENDED.includes(operation.state)) {
        resolve(operation);
      }
    };
    stream.message.connect((_, event) => {
      if (event.type === 'operation' && event.id !== begun.id) {
        return;
      }
      if (event.type === 'operation' && !ENDED.includes(event.state)) {
        told(event);
      } else {
        // The stream speaks English and may have missed something: ask for the state itself.
        look().catch(reject);
      }
    });
    look().catch(reject);
  }).finally(() => stream.dispose());
}
