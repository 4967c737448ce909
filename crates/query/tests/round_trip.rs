//! `parse(print(tree))` is the tree, for any tree that can be written; and no text makes the parser panic.

use model::{Duration, SpanKind, StatusCode};
use proptest::prelude::*;
use query::{
    AggregateFilter, AggregateFunction, AttributeField, Field, FieldExpression, Form, Intrinsic, Literal, Operator,
    Query, Relation, Scalar, Scope, SpansetOperator, Spansets, Stage,
};

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Nil),
        "\\PC{0,6}".prop_map(|text| Literal::String(text.into())),
        "[\"\\\\\n\ta`]{0,4}".prop_map(|text| Literal::String(text.into())),
        (-1_000_000_i64..1_000_000).prop_map(Literal::Int),
        (i64::MAX - 10..=i64::MAX).prop_map(Literal::Int),
        (-1e30_f64..1e30).prop_map(Literal::Float),
        any::<bool>().prop_map(Literal::Bool),
        (-1_i64 << 40..1 << 40).prop_map(|nanos| Literal::Duration(Duration(nanos))),
        (0_i32..3).prop_map(|code| Literal::Status(StatusCode(code))),
        (0_i32..6).prop_map(|kind| Literal::Kind(SpanKind(kind))),
    ]
}

fn field() -> impl Strategy<Value = Field> {
    let scope = prop_oneof![
        Just((false, Scope::Any)),
        Just((false, Scope::Span)),
        Just((false, Scope::Resource)),
        Just((false, Scope::Event)),
        Just((false, Scope::Link)),
        Just((false, Scope::Instrumentation)),
        Just((true, Scope::Any)),
        Just((true, Scope::Span)),
        Just((true, Scope::Resource)),
    ];
    let key = prop_oneof!["[a-z][a-z.0-9_/-]{0,8}", "\\PC{1,6}"];
    prop_oneof![
        (scope, key).prop_map(|((of_parent, scope), key)| Field::Attribute(AttributeField {
            of_parent,
            scope,
            key: key.into()
        })),
        prop::sample::select(Intrinsic::NAMES).prop_map(|(_, intrinsic)| Field::Intrinsic(intrinsic)),
    ]
}

const BINARY: &[Operator] = &[
    Operator::Or,
    Operator::And,
    Operator::Add,
    Operator::Subtract,
    Operator::Multiply,
    Operator::Divide,
    Operator::Modulo,
    Operator::Power,
];

fn expression() -> impl Strategy<Value = FieldExpression> {
    let leaf = prop_oneof![literal().prop_map(FieldExpression::Literal), field().prop_map(FieldExpression::Field)];
    leaf.prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(BINARY), inner.clone()).prop_map(|(left, operator, right)| {
                FieldExpression::Binary { operator, left: Box::new(left), right: Box::new(right) }
            }),
            // Comparisons of attributes only: those of intrinsics are checked for types that can never meet.
            (attribute(), literal()).prop_map(|(left, right)| FieldExpression::Binary {
                operator: Operator::LessOrEqual,
                left: Box::new(left),
                right: Box::new(FieldExpression::Literal(right)),
            }),
            inner.prop_map(|of| FieldExpression::Unary { operator: Operator::Not, of: Box::new(of) }),
            attribute().prop_map(|of| FieldExpression::Unary { operator: Operator::Subtract, of: Box::new(of) }),
        ]
    })
}

fn attribute() -> impl Strategy<Value = FieldExpression> {
    "[a-z]{1,4}".prop_map(|key| {
        FieldExpression::Field(Field::Attribute(AttributeField {
            of_parent: false,
            scope: Scope::Any,
            key: key.into(),
        }))
    })
}

fn spansets() -> impl Strategy<Value = Spansets> {
    let relations = [Relation::Child, Relation::Descendant, Relation::Parent, Relation::Ancestor, Relation::Sibling];
    let operator = prop_oneof![
        Just(SpansetOperator::And),
        Just(SpansetOperator::Or),
        (prop::sample::select(relations.to_vec()), prop::sample::select(vec![Form::Plain, Form::Negated, Form::Union]))
            .prop_map(|(relation, form)| SpansetOperator::Structural(relation, form)),
    ];
    prop::option::of(expression()).prop_map(Spansets::Selector).prop_recursive(3, 6, 2, move |inner| {
        let combined = (inner.clone(), operator.clone(), inner.clone()).prop_map(|(left, operator, right)| {
            Spansets::Combined { operator, left: Box::new(left), right: Box::new(right) }
        });
        let pipeline = (inner, stage()).prop_map(|(source, stage)| {
            Spansets::Pipeline(Box::new(Query { source, stages: vec![stage], hints: Vec::new() }))
        });
        prop_oneof![3 => combined, 1 => pipeline]
    })
}

fn scalar() -> impl Strategy<Value = Scalar> {
    let functions = [AggregateFunction::Min, AggregateFunction::Max, AggregateFunction::Avg, AggregateFunction::Sum];
    prop_oneof![
        (0_i64..100).prop_map(|int| Scalar::Literal(Literal::Int(int))),
        Just(Scalar::Aggregate { function: AggregateFunction::Count, of: None, quantile: None }),
        (prop::sample::select(functions.to_vec()), expression()).prop_map(|(function, of)| Scalar::Aggregate {
            function,
            of: Some(Box::new(of)),
            quantile: None
        }),
        (expression(), 0.0..1.0_f64).prop_map(|(of, quantile)| Scalar::Aggregate {
            function: AggregateFunction::Quantile,
            of: Some(Box::new(of)),
            quantile: Some(quantile),
        }),
    ]
    .prop_recursive(2, 4, 2, |inner| {
        (inner.clone(), inner).prop_map(|(left, right)| Scalar::Binary {
            operator: Operator::Divide,
            left: Box::new(left),
            right: Box::new(right),
        })
    })
}

fn stage() -> impl Strategy<Value = Stage> {
    prop_oneof![
        prop::option::of(expression()).prop_map(|expression| Stage::Filter(Spansets::Selector(expression))),
        (scalar(), scalar()).prop_map(|(left, right)| Stage::Aggregate(AggregateFilter {
            left,
            operator: Operator::Greater,
            right
        })),
        prop::collection::vec(field(), 1..3).prop_map(Stage::Select),
        prop::collection::vec(expression(), 1..3).prop_map(Stage::By),
        Just(Stage::Coalesce),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn printing_and_parsing_gives_the_same_tree(source in spansets(), stages in prop::collection::vec(stage(), 0..3)) {
        let query = Query { source, stages, hints: Vec::new() };
        let text = query.to_string();
        let parsed = query::parse(&text);
        prop_assert_eq!(parsed.problems, vec![], "{}", text);
        prop_assert_eq!(parsed.tree, Some(query), "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}", queryish in "[{}()|&<>=!~.\"`a-z0-9 +*/^-]{0,40}") {
        for text in [text, queryish] {
            let any = query::parse_any(&text);
            prop_assert_eq!(any.tree.is_none(), !any.problems.is_empty());
            let parsed = query::parse(&text);
            prop_assert_eq!(parsed.tree.is_none(), !parsed.problems.is_empty());
            for problem in &parsed.problems {
                prop_assert!(!problem.render(&text).is_empty());
            }
        }
    }
}

#[test]
fn a_key_that_begins_with_a_digit_is_printed_in_quotes() {
    let parsed = query::parse("{ .\"2x\" = 1 }");
    assert_eq!(parsed.problems, vec![]);
    assert_eq!(parsed.tree.map(|tree| tree.to_string()).as_deref(), Some("{ .\"2x\" = 1 }"));
}
