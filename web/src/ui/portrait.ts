/**
 * Portraits of avatars that come without a picture, drawn once each.
 *
 * Rule: one renderer for all, gone when the last is drawn: browsers allow few WebGL contexts, and the world needs one.
 */
import { AnimationMixer, Box3, DirectionalLight, HemisphereLight, PerspectiveCamera, Scene, Vector3, WebGLRenderer, type Object3D } from "three";
import { GLTFLoader, type GLTF } from "three/addons/loaders/GLTFLoader.js";

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
  const file = await new GLTFLoader().loadAsync(url);
  const avatar = file.scene;
  atEase(file);
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

/** A figure rests with its arms stretched out; in the first moment of its idle clip it stands like a person. */
function atEase({ scene, animations }: GLTF): void {
  const idle = animations.find((clip) => /idle/i.test(clip.name));
  if (!idle) return;
  const mixer = new AnimationMixer(scene);
  mixer.clipAction(idle).play();
  mixer.update(0);
  scene.updateMatrixWorld(true);
}

/** Head and shoulders, from a little to the side of the front (VRM 1 and glTF avatars look along +Z). */
function frame(camera: PerspectiveCamera, avatar: Object3D): void {
  const box = new Box3().setFromObject(avatar);
  const top = box.max.y;
  const height = top - box.min.y;
  const neck = avatar.getObjectByName("head")?.getWorldPosition(new Vector3()) ?? new Vector3(0, top - 0.2 * height, 0);
  // The face and what is worn above it, whatever that is, with a little air.
  const size = Math.max(top - neck.y, 0.15 * height) * 1.75;
  const middle = new Vector3(neck.x, top - 0.5 * size + 0.04 * height, neck.z);
  const away = size / (2 * Math.tan(((camera.fov / 2) * Math.PI) / 180));
  camera.position.copy(middle).addScaledVector(new Vector3(0.34, 0.06, 0.94), away + 0.1 * height);
  camera.lookAt(middle);
}
