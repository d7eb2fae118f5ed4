//! Expressions to values.

use std::rc::Rc;

use crate::ast::{Cast, Comparison, Expr, ExprKind, Piece, Span, Variable as Name};
use crate::cmdlet::did_you_mean;
use crate::machine::{Context, Failed, Machine, Variable};
use crate::value::Value;
use crate::wildcard::is_like;

/// Longest text that a script may put together, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// Most values that an array or hashtable may hold, those in its items included.
const VALUES_MAX: usize = 64 << 10;

impl<'s> Machine<'s> {
    pub(crate) fn expr(
        &mut self,
        context: &mut Context<'s>,
        expr: &Expr<'s>,
    ) -> Result<Value<'s>, Failed> {
        let span = &expr.span;
        match &expr.kind {
            ExprKind::Number { value, text } => {
                Ok(Value::Number(*value, text.as_ref().map(Into::into)))
            }
            ExprKind::Literal(text) => Ok(Value::Text(text.into())),
            ExprKind::Text(pieces) => self.text(context, pieces, span),
            ExprKind::Variable(name) => self.variable_value(context, name, span),
            ExprKind::Property { of, name } => {
                let of = self.expr(context, of)?;
                self.property(&of, self.written(name), name)
            }
            ExprKind::Index { of, index } => {
                let of = self.expr(context, of)?;
                let items = of.items();
                let index_value = self.expr(context, index)?;
                let Value::Number(at, _) = index_value else {
                    let text = format!("an index is a number, not {}", index_value.describe());
                    return Err(self.fail(&index.span, text));
                };
                let from_end = at.saturating_add(items.len() as i64);
                let at = if at < 0 { from_end } else { at };
                match usize::try_from(at).ok().and_then(|at| items.get(at)) {
                    Some(item) => Ok(item.clone()),
                    None => {
                        let text = format!("there is no such item: {} are", items.len());
                        Err(self.fail(&index.span, text))
                    }
                }
            }
            ExprKind::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.expr(context, item)?);
                }
                self.bounded(Value::Array(values.into()), span)
            }
            ExprKind::Sum(terms) => self.sum(context, terms),
            ExprKind::Compare {
                left,
                operator,
                right,
            } => {
                let left_value = self.expr(context, left)?;
                let right = self.expr(context, right)?;
                self.compare(&left_value, *operator, &right, &left.span)
                    .map(Value::Bool)
            }
            ExprKind::Group(pipeline) => self
                .pipeline(context, pipeline, true)
                .map(Value::from_output),
            ExprKind::Statements { statements, array } => {
                let output = self.statements(context, statements)?;
                if *array {
                    self.bounded(Value::Array(output.into()), span)
                } else {
                    Ok(Value::from_output(output))
                }
            }
            ExprKind::Table(entries) => {
                let mut values = Vec::with_capacity(entries.len());
                for (name, _, expr) in entries {
                    values.push((name.into(), self.expr(context, expr)?));
                }
                self.bounded(Value::Table(values.into()), span)
            }
            ExprKind::Block(block) => Ok(Value::Block(Rc::clone(block))),
            ExprKind::Cast(cast, inner) => {
                let value = self.expr(context, inner)?;
                self.cast(*cast, value, &inner.span)
            }
        }
    }

    fn bounded(&mut self, value: Value<'s>, span: &Span) -> Result<Value<'s>, Failed> {
        if value.size() > VALUES_MAX {
            return Err(self.fail(span, format!("more than {VALUES_MAX} values in one")));
        }
        Ok(value)
    }

    fn variable_value(
        &mut self,
        context: &Context<'s>,
        name: &Name<'s>,
        span: &Span,
    ) -> Result<Value<'s>, Failed> {
        match name {
            Name::True => Ok(Value::Bool(true)),
            Name::False => Ok(Value::Bool(false)),
            Name::Null => Ok(Value::Null),
            Name::Current => match &context.current {
                Some(value) => Ok(value.clone()),
                None => Err(self.fail(span, "$_ has a value only in the block of Where-Object")),
            },
            Name::ComputerName => Ok(Value::text(&self.host(context.host).name)),
            Name::Named(name) => self.variable(context, name, span),
            Name::Using(name) => match &context.caller {
                None => Err(self.fail(
                    span,
                    "$using: has a meaning only in a block for another host",
                )),
                Some(caller) => match caller.get(&**name) {
                    Some(Variable::Value(value)) => Ok(value.clone()),
                    Some(Variable::Failed) => Err(Failed),
                    None => Err(self.fail(span, format!("${name} has no value outside the block"))),
                },
            },
        }
    }

    /// The value of the variable of this lower-case name.
    pub(crate) fn variable(
        &mut self,
        context: &Context<'s>,
        name: &str,
        span: &Span,
    ) -> Result<Value<'s>, Failed> {
        match context.variables.get(name) {
            Some(Variable::Value(value)) => Ok(value.clone()),
            Some(Variable::Failed) => Err(Failed),
            None => {
                let help = if context
                    .caller
                    .as_ref()
                    .is_some_and(|c| c.contains_key(name))
                {
                    Some(format!(
                        "a block for another host sees it as $using:{name}, or through -ArgumentList and Param()"
                    ))
                } else {
                    did_you_mean(name, context.variables.keys().map(|name| &**name))
                        .map(|help| help.replace("mean ", "mean $"))
                };
                let text = format!("{} has no value", self.written(span));
                Err(self.fail_with(span, text, help))
            }
        }
    }

    fn text(
        &mut self,
        context: &mut Context<'s>,
        pieces: &[Piece<'s>],
        span: &Span,
    ) -> Result<Value<'s>, Failed> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Expr(expr) => {
                    let value = self.expr(context, expr)?;
                    self.append(&mut text, &value, &expr.span)?;
                }
            }
        }
        if text.len() > TEXT_BYTES_MAX {
            return Err(self.fail(span, format!("a text of more than {TEXT_BYTES_MAX} bytes")));
        }
        Ok(Value::text(text))
    }

    /// Puts a value into a text; items of an array with blanks between them.
    fn append(&mut self, text: &mut String, value: &Value<'s>, span: &Span) -> Result<(), Failed> {
        let items = match value {
            Value::Array(items) => &items[..],
            other => std::slice::from_ref(other),
        };
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                text.push(' ');
            }
            let Some(part) = item.to_text() else {
                let what = item.describe();
                return Err(self.fail_with_help(
                    span,
                    format!("{what} cannot stand in a text"),
                    "name one of its properties, as in \"$($vm.Name)\"".to_owned(),
                ));
            };
            text.push_str(&part);
            if text.len() > TEXT_BYTES_MAX {
                return Err(self.fail(span, format!("a text of more than {TEXT_BYTES_MAX} bytes")));
            }
        }
        Ok(())
    }

    fn sum(&mut self, context: &mut Context<'s>, terms: &[Expr<'s>]) -> Result<Value<'s>, Failed> {
        let mut total = Value::Null;
        for (at, term) in terms.iter().enumerate() {
            let value = self.expr(context, term)?;
            if at == 0 {
                total = value;
                continue;
            }
            total = match (total, value) {
                (Value::Null, value) => value,
                (total, Value::Null) => total,
                (Value::Text(text), value) => {
                    let mut text = text.to_string();
                    self.append(&mut text, &value, &term.span)?;
                    Value::text(text)
                }
                (Value::Array(items), value) => {
                    let items = items.iter().chain(value.items()).cloned().collect();
                    self.bounded(Value::Array(items), &term.span)?
                }
                (Value::Number(left, _), right) => {
                    let right = match &right {
                        Value::Number(right, _) => Some(*right),
                        Value::Text(text) => text.trim().parse().ok(),
                        _ => None,
                    };
                    match right.and_then(|right| left.checked_add(right)) {
                        Some(sum) => Value::Number(sum, None),
                        None => {
                            let text = "this cannot be added to a number".to_owned();
                            let help = "to join texts, begin with a text".to_owned();
                            return Err(self.fail_with_help(&term.span, text, help));
                        }
                    }
                }
                (left, right) => {
                    let text = format!(
                        "{} and {} cannot be added",
                        left.describe(),
                        right.describe()
                    );
                    return Err(self.fail(&term.span, text));
                }
            };
        }
        Ok(total)
    }

    /// As PowerShell compares: the right side becomes what the left one is, texts without case.
    pub(crate) fn compare(
        &mut self,
        left: &Value<'s>,
        operator: Comparison,
        right: &Value<'s>,
        span: &Span,
    ) -> Result<bool, Failed> {
        let like = matches!(operator, Comparison::Like | Comparison::NotLike);
        let holds = match (left, right) {
            (Value::Null, Value::Null) if !like => true,
            (Value::Null, _) | (_, Value::Null) if !like => false,
            (Value::Bool(left), Value::Bool(right)) if !like => left == right,
            (Value::Number(left, _), Value::Number(right, _)) if !like => left == right,
            (Value::Number(left, _), Value::Text(right)) if !like => {
                right.trim().parse().is_ok_and(|right: i64| *left == right)
            }
            (Value::Bool(_), _) | (_, Value::Bool(_)) => {
                return Err(self.fail(span, "only $true and $false compare with these"));
            }
            (left, right) => match (left.to_text(), right.to_text()) {
                (Some(_), Some(pattern)) if like && pattern.contains('[') => {
                    return Err(self.fail(span, "the wildcard [ is not understood, * and ? are"));
                }
                (Some(text), Some(pattern)) if like => is_like(&text, &pattern),
                (Some(left), Some(right)) => left.to_lowercase() == right.to_lowercase(),
                (None, _) => {
                    return Err(self.fail(span, format!("{} cannot be compared", left.describe())));
                }
                (_, None) => {
                    let text = format!("nothing compares with {}", right.describe());
                    return Err(self.fail(span, text));
                }
            },
        };
        Ok(holds == matches!(operator, Comparison::Equal | Comparison::Like))
    }

    /// A property of a value; of an array, that of each item.
    pub(crate) fn property(
        &mut self,
        of: &Value<'s>,
        name: &str,
        span: &Span,
    ) -> Result<Value<'s>, Failed> {
        let is = |other: &str| other.eq_ignore_ascii_case(name);
        let names: Vec<String> = match of {
            Value::Object(object) => {
                let properties = object.properties(&self.estate);
                if let Some((_, value)) = properties.iter().find(|(other, _)| is(other)) {
                    return Ok(value.clone());
                }
                properties
                    .iter()
                    .map(|(name, _)| (*name).to_owned())
                    .collect()
            }
            Value::Table(entries) => {
                if let Some((_, value)) = entries.iter().find(|(other, _)| is(other)) {
                    return Ok(value.clone());
                }
                entries.iter().map(|(name, _)| name.to_string()).collect()
            }
            Value::Array(items) if is("Count") || is("Length") => {
                return Ok(Value::Number(items.len() as i64, None));
            }
            Value::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items.iter() {
                    values.push(self.property(item, name, span)?);
                }
                return Ok(Value::from_output(values));
            }
            Value::Null => {
                let text = format!("there is nothing here that could have a property {name}");
                let help = "what is before the dot found nothing".to_owned();
                return Err(self.fail_with_help(span, text, help));
            }
            Value::Bool(_) | Value::Number(..) | Value::Text(_) | Value::Block(_) => Vec::new(),
        };
        let text = format!("{} has no property {name}", of.describe());
        let help = did_you_mean(name, names.iter().map(String::as_str));
        Err(self.fail_with(span, text, help))
    }

    pub(crate) fn cast(
        &mut self,
        cast: Cast,
        value: Value<'s>,
        span: &Span,
    ) -> Result<Value<'s>, Failed> {
        let cast_value = match (cast, &value) {
            (Cast::Number, Value::Number(number, _)) => Some(Value::Number(*number, None)),
            (Cast::Number, Value::Text(text)) => text
                .trim()
                .parse()
                .ok()
                .map(|number| Value::Number(number, None)),
            (Cast::Number, _) => None,
            // Unlike a bare word, a cast number forgets how it was written.
            (Cast::Text, Value::Number(number, _)) => Some(Value::text(number.to_string())),
            (Cast::Text, value) => value.as_text().map(Value::Text),
        };
        cast_value.ok_or_else(|| {
            let what = if cast == Cast::Number {
                "number"
            } else {
                "text"
            };
            self.fail(span, format!("{} is no {what}", value.describe()))
        })
    }
}
