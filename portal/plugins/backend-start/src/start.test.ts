import { createBackend } from '@backstage/backend-defaults';
import { start } from './start';

const backendThat = (start_: () => Promise<void>) =>
  ({ add: jest.fn(), start: start_ } as unknown as ReturnType<
    typeof createBackend
  >);

describe('start', () => {
  const exit = jest.spyOn(process, 'exit').mockReturnValue(undefined as never);
  const log = jest.spyOn(console, 'error').mockReturnValue();
  const settled = () => new Promise(resolve => setImmediate(resolve));

  beforeEach(jest.clearAllMocks);
  afterAll(jest.restoreAllMocks);

  it('exits with code 1 and the reason when the backend fails to start', async () => {
    start(backendThat(() => Promise.reject(new Error('no such database'))));
    await settled();
    expect(exit).toHaveBeenCalledWith(1);
    expect(log).toHaveBeenCalledWith(
      'The backend did not start: no such database',
    );
  });

  it('keeps a backend running that has started', async () => {
    start(backendThat(() => Promise.resolve()));
    await settled();
    expect(exit).not.toHaveBeenCalled();
    expect(log).not.toHaveBeenCalled();
  });
});
