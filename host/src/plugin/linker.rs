//! Satisfies a component's imports: the host's capabilities, other plugins' features (bound late
//! and by name), and the component's own events.

use super::{
    bindings,
    instance::{Ctx, Host, caller},
    names::Interface,
    values::Shape,
    wasi,
};
use crate::{Error, Result, error::kind, store::NewEvent};
use std::collections::BTreeMap;
use wasmtime::{
    Engine,
    component::{
        Component, InstancePre, Linker, Type, Val,
        types::{ComponentFunc, ComponentItem},
    },
};

/// Links a component once; instances are made from the result.
pub(crate) fn link(
    engine: &Engine,
    component: &Component,
    emits: &BTreeMap<String, Shape>,
) -> Result<InstancePre<Ctx>> {
    let failed = |e: wasmtime::Error| {
        Error::new(
            kind::INCOMPATIBLE,
            format!("The plugin needs something that this backend doesn't offer: {e:#}"),
        )
    };
    let mut linker: Linker<Ctx> = Linker::new(engine);
    wasi::link(&mut linker).map_err(failed)?;
    bindings::Contract::add_to_linker::<Ctx, Host>(&mut linker, |ctx| ctx).map_err(failed)?;
    for (name, item) in component.component_type().imports(engine) {
        let (Some(interface), ComponentItem::ComponentInstance(instance)) =
            (Interface::parse(name), item.ty)
        else {
            continue;
        };
        if interface.is_hosts() {
            continue;
        }
        for (function, item) in instance.exports(engine) {
            let ComponentItem::ComponentFunc(ty) = item.ty else {
                continue;
            };
            let mut imported = linker.instance(name).map_err(failed)?;
            if interface.name == "events" {
                let topic = interface.method(function);
                let Some(shape) = emits.get(&topic).cloned() else {
                    continue;
                };
                imported
                    .func_new_concurrent(function, event(topic, shape))
                    .map_err(failed)?;
            } else {
                if error_value(&ty, "", "").is_none() || !ty.async_() {
                    return Err(Error::new(
                        kind::BAD_REQUEST,
                        format!(
                            "Import `{name}#{function}` is no feature function: it must be `async func` and return \
                             `result<…, error>`. Take the WIT files of the plugin that offers it"
                        ),
                    ));
                }
                imported
                    .func_new_concurrent(
                        function,
                        feature(interface.unversioned(), function.to_owned(), ty),
                    )
                    .map_err(failed)?;
            }
        }
    }
    linker.instantiate_pre(component).map_err(failed)
}

type HostFuture<'a> = std::pin::Pin<Box<dyn Future<Output = wasmtime::Result<()>> + Send + 'a>>;
type Accessor = wasmtime::component::Accessor<Ctx>;

/// An import that emits an event: kept with the call until its commit or its end.
fn event(
    topic: String,
    shape: Shape,
) -> impl for<'a> Fn(&'a Accessor, ComponentFunc, &'a [Val], &'a mut [Val]) -> HostFuture<'a>
+ Send
+ Sync
+ 'static {
    move |accessor, _, params, _| {
        let emitted = match params {
            [record] => shape.write(record).map(|data| (topic.clone(), data)),
            _ => Err(Error::internal("Emit an event", "it has not one parameter")),
        };
        Box::pin(async move {
            let (topic, data) = emitted.map_err(|e| wasmtime::Error::msg(e.to_string()))?;
            accessor.with(|mut access| {
                let at = access.get().profile.clock().stamp();
                caller(&mut access, |call| {
                    call.events.push(NewEvent::new(at, topic, data));
                })
            })
        })
    }
}

/// An import that calls another plugin's feature through the host.
fn feature(
    interface: String,
    function: String,
    wanted: ComponentFunc,
) -> impl for<'a> Fn(&'a Accessor, ComponentFunc, &'a [Val], &'a mut [Val]) -> HostFuture<'a>
+ Send
+ Sync
+ 'static {
    move |accessor, _, params, out| {
        let (interface, function, wanted) = (interface.clone(), function.clone(), wanted.clone());
        Box::pin(async move {
            let (profile, plugin, depth) = accessor.with(|mut access| {
                let depth = caller(&mut access, |call| call.depth)?;
                let ctx = access.get();
                wasmtime::error::Ok((ctx.profile.clone(), ctx.plugin.clone(), depth))
            })?;
            let permission = Interface::parse(&interface).map(|i| i.feature());
            let permitted = profile
                .shared
                .permit(plugin.id(), permission.as_deref().unwrap_or(&interface));
            let answer = match permitted {
                Ok(()) => {
                    profile
                        .call_feature(&interface, &function, &wanted, params.to_vec(), depth + 1)
                        .await
                }
                Err(e) => Err(e),
            };
            let value = match answer {
                Ok(value) => value,
                Err(e) => error_value(&wanted, &e.kind, &e.message)
                    .ok_or_else(|| wasmtime::Error::msg("the function can't carry an error"))?,
            };
            if let Some(slot) = out.first_mut() {
                *slot = value;
            }
            Ok(())
        })
    }
}

/// Whether two functions have the same type. Names of types don't count, names of fields do.
pub(crate) fn same_type(a: &ComponentFunc, b: &ComponentFunc) -> bool {
    a.async_() == b.async_() && a.params().eq(b.params()) && a.results().eq(b.results())
}

/// The `err` value of a function's result, if its error is the `error` record.
fn error_value(ty: &ComponentFunc, code: &str, message: &str) -> Option<Val> {
    let Some(Type::Result(result)) = ty.results().next() else {
        return None;
    };
    let Some(Type::Record(error)) = result.err() else {
        return None;
    };
    let fields = error.fields().map(|f| (f.name, f.ty));
    fields
        .eq([("code", Type::String), ("message", Type::String)])
        .then(|| {
            Val::Result(Err(Some(Box::new(Val::Record(vec![
                ("code".into(), Val::String(code.into())),
                ("message".into(), Val::String(message.into())),
            ])))))
        })
}
