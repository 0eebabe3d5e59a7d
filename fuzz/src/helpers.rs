//! What authors of drivers rely on: whatever a CMP writes as a value, a path keeps it in its segment, a query in its
//! parameter, and a marker goes into a text and comes out again.

use crosspoint_sdk::{marker, path};

use crate::input::Input;

/// Any bytes as values of paths, and as texts with markers.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    if input.flag() { paths(&mut input) } else { markers(&mut input) }
}

fn paths(input: &mut Input<'_>) {
    let (template, first, second) = (input.text(), input.text(), input.text());
    // A template is the driver's own; any text may be one, and none may break anything.
    let _ = path(&template, &[("a", &first), ("b", &second)]);
    let Ok(target) = path("/v1/{a}/x/{b}", &[("a", &first), ("b", &second)]) else { return };
    let target = target.query("q", &second).query_if(&first, Some(&second));
    let (path, query) = target.as_str().split_once('?').unwrap();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%/".contains(&byte);
    assert!(path.bytes().all(plain), "{path}");
    let segments: Vec<_> = path.split('/').collect();
    let ["", "v1", a, "x", b] = segments[..] else { panic!("{path} has other segments") };
    assert!(![a, b].contains(&"..") && ![a, b].contains(&"."), "{path}");
    assert_eq!((decoded(a), decoded(b)), (first.clone(), second.clone()), "what arrives is what was given");
    let pairs: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    let [("q", one), (name, other)] = pairs[..] else { panic!("{query} has other parameters") };
    assert_eq!((decoded(one), decoded(name), decoded(other)), (second.clone(), first, second));
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

fn markers(input: &mut Input<'_>) {
    let mark = format!("xp-{:02x}{:02x}", input.byte(), input.byte());
    let limit = usize::from(input.byte());
    let text = input.text();
    let (before, _) = marker::split(&text);
    assert!(text.starts_with(before));
    let marked = marker::put(&text, &mark);
    assert_eq!(marker::split(&marked).1, Some(mark.as_str()), "{marked:?}");
    assert_eq!(marker::strip(&marked, &mark), marker::strip(&text, &mark), "{marked:?}");
    assert_eq!(marker::put(&marked, &mark), marked, "nothing is marked twice");
    match marker::fit(&text, &mark, limit, "/name") {
        Ok(fitted) => assert!(fitted == marked && fitted.chars().count() <= limit),
        Err(_) => assert!(marked.chars().count() > limit),
    }
    let has_room = limit >= marker::LONGEST + 3 && text.chars().count() <= marker::room(limit);
    if has_room {
        assert!(marker::fit(&text, &mark, limit, "/name").is_ok(), "there is room for {text:?} in {limit}");
    }
}
