/**
 * Portraits of avatars that come without a picture, drawn once each.
 *
 * Rule: one renderer for all, gone when the last is drawn: browsers allow few WebGL contexts, and the world needs one.
 */
import { Box3, DirectionalLight, HemisphereLight, PerspectiveCamera, Scene, Vector3, WebGLRenderer } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

const SIZE = 192; // pixels: twice what it is shown at

const drawn = new Map<string, Promise<string>>();
let queue: Promise<unknown> = Promise.resolve();
let renderer: WebGLRenderer | null = null;
let waiting = 0;

/** The address (blob:) of a portrait of the avatar at `url`; rejects when it cannot be drawn. */
export function portraitOf(url: string): Promise<string> {
  const known = drawn.get(url);
  if (known) return known;
  waiting += 1;
  const next = queue.then(() => draw(url)).finally(() => {
    waiting -= 1;
    if (waiting > 0) return;
    renderer?.dispose();
    renderer?.forceContextLoss();
    renderer = null;
  });
  queue = next.catch(() => undefined);
  drawn.set(url, next);
  return next;
}

async function draw(url: string): Promise<string> {
  const { scene: avatar } = await new GLTFLoader().loadAsync(url);
  renderer ??= new WebGLRenderer({ antialias: true, alpha: true, preserveDrawingBuffer: true });
  renderer.setSize(SIZE, SIZE, false);
  const scene = new Scene();
  const key = new DirectionalLight(0xffe6c4, 2.6);
  key.position.set(1.2, 2.4, 2);
  const rim = new DirectionalLight(0x9db4ff, 1.6);
  rim.position.set(-2, 1.5, -1.5);
  scene.add(new HemisphereLight(0xdfe6ff, 0x6b5a52, 1.4), key, rim, avatar);
  const camera = new PerspectiveCamera(24, 1, 0.1, 20);
  frame(camera, avatar);
  renderer.render(scene, camera);
  const blob = await new Promise<Blob | null>((resolve) => renderer?.domElement.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("the portrait could not be drawn");
  return URL.createObjectURL(blob);
}

/** Head and shoulders, from a little to the side of the front (VRM 0 and glTF avatars look along +Z). */
function frame(camera: PerspectiveCamera, avatar: Scene | import("three").Object3D): void {
  const box = new Box3().setFromObject(avatar);
  const height = box.max.y - box.min.y;
  const head = new Vector3((box.min.x + box.max.x) / 2, box.max.y - 0.2 * height, (box.min.z + box.max.z) / 2);
  camera.position.copy(head).add(new Vector3(0.45, 0.12, 1.25).multiplyScalar(0.85 * height));
  camera.lookAt(head);
}
