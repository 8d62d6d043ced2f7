package chart

import (
	"reflect"
	"slices"
)

// Where generated values are kept, the functions that make them up are Sprig's own: what they give must be what it says, such as a
// certificate that another one signed. Two runs differ by chance then, which is certain for long values only. So the second run
// draws again until it has something else than the first one had, and a run that is to repeat the first one gets the same values.

// draws are the values of the first run, by function, in the order of the calls.
type draws map[string][][]reflect.Value

// way says how a run gets its values.
type way int

const (
	drawnFirst way = iota // new ones, which are remembered
	drawnOther            // new ones, other than those of the first run
	repeated              // those of the first run
)

// drawing is what one run takes from draws.
type drawing struct {
	draws *draws
	way   way
	next  map[string]int // calls so far, by function
}

// drawnFunctions are those whose result is another one each time.
var drawnFunctions = []string{"randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes", "randInt", "shuffle", "uuidv4", "bcrypt", "htpasswd", "encryptAES",
	"genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey"}

// sized are those of them that give as much text as their argument says.
var sized = []string{"randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes"}

// maxTries bounds how often another value is looked for: there may be only one, as of randInt 1 2.
const maxTries = 64

// functions returns the functions of Sprig whose result is another one each time. note is called with the name of each that is called.
func (d *drawing) functions(all map[string]any, note func(name string)) map[string]any {
	out := map[string]any{}
	for _, name := range drawnFunctions {
		original, known := all[name]
		if !known {
			continue
		}
		f := reflect.ValueOf(original)
		call := f.Call
		if f.Type().IsVariadic() {
			call = f.CallSlice
		}
		out[name] = reflect.MakeFunc(f.Type(), func(args []reflect.Value) []reflect.Value {
			note(name)
			if slices.Contains(sized, name) && args[0].Int() > maxText {
				panic(errTooLarge) // the engine makes an error of it
			}
			return d.draw(name, func() []reflect.Value { return call(args) })
		}).Interface()
	}
	return out
}

// draw returns the values of one call.
func (d *drawing) draw(name string, call func() []reflect.Value) []reflect.Value {
	i := d.next[name]
	d.next[name]++
	if *d.draws == nil {
		*d.draws = draws{}
	}
	before := (*d.draws)[name]
	switch {
	case d.way == repeated && i < len(before):
		return before[i]
	case d.way == drawnOther && i < len(before):
		for range maxTries {
			if values := call(); !same(values, before[i]) {
				return values
			}
		}
		return before[i]
	}
	values := call()
	if d.way == drawnFirst {
		(*d.draws)[name] = append(before, values)
	}
	return values
}

// same reports whether two calls gave the same.
func same(a, b []reflect.Value) bool {
	return slices.EqualFunc(a, b, func(a, b reflect.Value) bool { return reflect.DeepEqual(a.Interface(), b.Interface()) })
}
