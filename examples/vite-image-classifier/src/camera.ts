/** Shows the camera in `video` and calls `onFrame` for each frame, waiting for the call before the next.
 *  @returns a function that stops it */
export async function startCamera(
  video: HTMLVideoElement,
  onFrame: () => Promise<void>,
): Promise<() => void> {
  if (!navigator.mediaDevices) throw new Error('The camera needs a secure page: https, or localhost.');
  const wanted = { video: { facingMode: 'environment', width: 640, height: 480 } };
  const stream = await navigator.mediaDevices.getUserMedia(wanted).catch((error: DOMException) => {
    throw new Error(error.name === 'NotAllowedError' ? 'The camera was not allowed.' : 'There is no camera.');
  });
  video.srcObject = stream;
  await video.play();
  let running = true;
  const loop = async () => {
    if (!running) return;
    await onFrame();
    requestAnimationFrame(loop);
  };
  void loop();
  return () => {
    running = false;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
}
