/**
 * For the build: Basis Universal's transcoder without `eval`, which our content security policy forbids, in workers too.
 *
 * Rule: Emscripten's glue writes the text of two kinds of functions and has them compiled; here the same functions are
 * closures, as its own option DYNAMIC_EXECUTION=0 makes them. A transcoder that looks different fails the build.
 */

import type { Plugin } from "vite";

const CHANGES: readonly (readonly [string, string])[] = [
  [
    "var invokerFn=newFunc(Function,args)(...closureArgs);",
    `var invokerFn=function(...given){
      if(given.length!==argCount-2)throwBindingError("function "+humanName+" called with "+given.length+" arguments, expected "+(argCount-2));
      var stack=needsDestructorStack?[]:null,wired=[];
      if(isClassMethodFunc)wired.push(argTypes[1]["toWireType"](stack,this));
      for(var i=2;i<argCount;++i)wired.push(argTypes[i]["toWireType"](stack,given[i-2]));
      var rv=cppInvokerFunc(cppTargetFunc,...wired);
      if(needsDestructorStack)runDestructors(stack);
      else for(var i=isClassMethodFunc?1:2;i<argCount;++i){
        if(argTypes[i].destructorFunction!==null)argTypes[i].destructorFunction(wired[isClassMethodFunc?i-1:i-2]);
      }
      if(returns)return argTypes[0]["fromWireType"](rv);
    };`,
  ],
  ["let[args,invokerFnBody]=createJsInvoker(argTypes,isClassMethodFunc,returns,isAsync);args.push(invokerFnBody);", ""],
  [
    "var invokerFunction=newFunc(Function,params)(...args);",
    `var invokerFunction=function(obj,func,destructorsRef,at){
      var given=[];
      for(var type of types){given.push(type.readValueFromPointer(at));at+=type["argPackAdvance"]}
      var rv=kind===1?Reflect.construct(func,given):kind===0?func.call(obj,...given):func.call(...given);
      if(!retType.isVoid)return emval_returnValue(retType,destructorsRef,rv);
    };`,
  ],
];

/** The transcoder's script with nothing that is compiled from text. */
export function withoutEval(script: string): string {
  for (const [before, after] of CHANGES) {
    if (script.split(before).length !== 2) throw new Error(`basis_transcoder.js is not as this build knows it: ${before}`);
    script = script.replace(before, () => after);
  }
  return script;
}

const TRANSCODER = /(basis_transcoder-[\w-]+)\.js$/;

/** Changes the transcoder in what is built; its new name keeps browsers from taking an unchanged one from their caches. */
export function transcoderWithoutEval(): Plugin {
  return {
    name: "roomscale:transcoder-without-eval",
    apply: "build",
    generateBundle(_options, bundle) {
      const found = Object.values(bundle).filter(({ type, fileName }) => type === "asset" && TRANSCODER.test(fileName));
      for (const asset of found) {
        if (asset.type !== "asset") continue;
        const before = asset.fileName;
        const script = typeof asset.source === "string" ? asset.source : new TextDecoder().decode(asset.source);
        const after = before.replace(TRANSCODER, "$1.plain.js");
        delete bundle[before];
        this.emitFile({ type: "asset", fileName: after, source: withoutEval(script) });
        const [old, fresh] = [before, after].map((name) => name.split("/").at(-1) as string) as [string, string];
        for (const item of Object.values(bundle)) if (item.type === "chunk") item.code = item.code.replaceAll(old, fresh);
      }
      if (found.length !== 1) throw new Error("no basis_transcoder.js in what is built");
    },
  };
}
